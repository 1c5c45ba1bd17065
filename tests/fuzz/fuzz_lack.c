/* SPDX-License-Identifier: ISC */
/* lack: what a hostile store makes our rsync print is a name or nothing, never
 * longer than its place and never empty; the base stays in front. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
promise(int kept)
{
	if (!kept)
		abort();
}

static bool
owner(void *arg, const char *name, uint32_t uid, uint32_t gid)
{
	promise(strlen(name) <= 4096);
	return uid == gid;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct lack l = { .n = { 0 } };
	struct lack_item it;
	size_t i, n;

	if (text == NULL)
		return 0;
	if (lack_parse(text, &it)) {
		promise(strlen(it.flags) <= 11 && strlen(it.mode) <= 9);
		promise(memchr(it.name, '\0', sizeof(it.name)) != NULL);
	}
	if (lack_line(&l, text, "/base", owner, NULL, NULL) == 0)
		for (i = 0; i < LACK_KINDS; i++) {
			promise(l.n[i] <= 1 && l.names[i].n == l.n[i]);
			for (n = 0; n < l.names[i].n; n++)
				promise(strncmp(l.names[i].v[n], "/base/",
				    6) == 0);
		}
	lack_clear(&l);
	free(text);
	return 0;
}
