/* SPDX-License-Identifier: ISC */
/* gitwire: what is read is written the same, byte by byte; the filter of
 * GIT_PROTOCOL leaves nothing that it would not leave again. */
#include "gitwire.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
protocol(const char *text)
{
	char once[GITPROTO_MAX], twice[GITPROTO_MAX];
	struct err e = ERR_INIT;

	if (gitproto_filter(text, once, &e) == -1) {
		demand(e.code == ERR_REFUSED);
		return;
	}
	demand(strspn(once, "version=012") == strlen(once));
	demand(gitproto_filter(once, twice, &e) == 0);
	demand(strcmp(once, twice) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct err e = ERR_INIT;
	struct gitwire w;
	struct buf out;

	demand(text != NULL);
	protocol(text);
	free(text);
	buf_init(&out, GITWIRE_MAX);
	if (gitwire_parse((const char *)data, size, &w, &e) == 0) {
		demand(gitwire_emit(&w, &out, &e) == 0);
		demand(out.len == size && memcmp(out.data, data, size) == 0);
		demand(gitid_valid(w.id, strlen(w.id)));
	} else {
		demand(e.code == ERR_PEER);
	}
	buf_clear(&out);
	return 0;
}
