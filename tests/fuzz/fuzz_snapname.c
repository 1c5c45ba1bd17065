/* SPDX-License-Identifier: ISC */
/* snapname: what parses is one safe path component and comes out the same;
 * a client's name never parses as a snapshot's. */
#include <stdint.h>

#include "snapname.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
promise(int kept)
{
	if (!kept)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char out[SNAPNAME_MAX + 1];
	struct err e = ERR_INIT;
	struct snapname s;
	const char *p;
	char *text;
	int is_snapshot;

	text = malloc(size + 1);
	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	is_snapshot = snapname_parse(text, &s, &e) == 0;
	if (is_snapshot) {
		promise(strchr(text, '/') == NULL && text[0] != '.' &&
		    text[0] != '-' && strlen(text) <= SNAPNAME_MAX);
		promise(snapname_client(s.client, "client", &e) == 0);
		promise(snapname_emit(&s, out, &e) == 0);
		promise(strcmp(out, text) == 0);
	} else {
		promise(e.code == ERR_CONFIG);
		for (p = e.msg; *p != '\0'; p++)
			promise(*p >= 0x20 && *p < 0x7f);
	}
	if (snapname_client(text, "client", &e) == 0)
		promise(!is_snapshot && text[0] != '.' && text[0] != '-' &&
		    strchr(text, '/') == NULL);
	free(text);
	return 0;
}
