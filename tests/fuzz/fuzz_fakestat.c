/* SPDX-License-Identifier: ISC */
/* fakestat: what is accepted is said again in the same bytes; the rest of the
 * input is a pattern and a path, which must come to an end. */
#include <stdint.h>
#include <sys/stat.h>

#include "fakestat.h"
#include "glob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
promise(int kept)
{
	if (!kept)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fakestat f = { .mode = 7 };
	struct err e = ERR_INIT;
	char out[FAKESTAT_MAX], *pattern;
	size_t n;

	if (fakestat_parse((const char *)data, len, &f, &e) == 0) {
		promise(fakestat_emit(&f, out) == len);
		promise(memcmp(out, data, len) == 0);
		promise((f.mode & S_IFMT) != 0 && f.mode <= 0177777);
	} else {
		promise(f.mode == 7 && e.code == ERR_CONFIG);
	}
	if (len > 512)
		return 0;
	pattern = malloc(len + 1);
	if (pattern == NULL)
		return 0;
	for (n = 0; n < len && data[n] != 0; n++)
		pattern[n] = (char)data[n];
	pattern[n] = '\0';
	promise(glob_literal(pattern) <= n && glob_tail(pattern) <= n);
	glob_match(pattern, (const char *)data, len);
	if (glob_literal(pattern) == n)
		promise(glob_match(pattern, pattern, n));
	free(pattern);
	return 0;
}
