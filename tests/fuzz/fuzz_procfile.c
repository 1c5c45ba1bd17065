/* SPDX-License-Identifier: ISC */
/* procfile: no text of /proc leads out of its bytes; a command line that is
 * taken for a cryptsetup's names an absolute path, and is itself again with the
 * words that make it read a pipe. */
#include <sys/types.h>

#include "askargv.h"
#include "procfile.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
argv(const char *text, size_t size)
{
	struct strv v = { .n = 0 }, again = { .n = 0 };
	struct err e = ERR_INIT;
	struct askargv a;

	if (procfile_argv(text, size, &v, &e) == 0) {
		demand(v.n > 0 && v.n <= PROCFILE_WORDS);
		if (askargv_parse(&v, &a, &e) == 0) {
			demand(a.device[0] == '/' && a.name[0] != '\0');
			demand(askargv_rerun(&v, &again) == 0);
			demand(again.n >= 3 && again.n <= v.n + 3);
			/* With a key file it doesn't ask any more. */
			demand(askargv_parse(&again, &a, &e) == -1);
		}
	}
	strv_clear(&v);
	strv_clear(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* As a struct buf has it: a NUL behind the bytes. */
	char *text = calloc(1, size + 1);
	struct err e = ERR_INIT;
	struct procstat s;
	const char *v;

	demand(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	v = procfile_env(text, size, "A");
	demand(v == NULL || (v > text && v + strlen(v) < text + size));
	if (procfile_stat(text, size, &s, &e) == 0)
		demand(s.pid > 0 && strnlen(s.comm, sizeof(s.comm)) <
		    sizeof(s.comm));
	argv(text, size);
	free(text);
	return 0;
}
