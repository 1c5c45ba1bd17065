/* SPDX-License-Identifier: ISC */
#include "store_runs.h"

#include <string.h>

/* Which lines of a client's runs stay when there are too many. Pure. */

static const char *
line_end(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl != NULL ? nl + 1 : end;
}

/* Where the newest lines begin, as many as may stay. The last one has its
 * newline. */
static const char *
tail_of(const char *text, size_t len)
{
	const char *p = text + len, *from = p;
	size_t n = 0;

	while (p > text && n < STORE_RUNS_KEEP &&
	    (size_t)(text + len - p) < STORE_RUNS_KEEP_BYTES)
		if (--p == text || p[-1] == '\n') {
			from = p;
			n++;
		}
	return from;
}

/* Before to: the last line that is a verify's, and that is a good run's. */
static void
last_of(const char *text, const char *to, const char **ret_verify,
    const char **ret_good)
{
	struct store_run r;
	const char *p, *next;

	for (p = text; p < to; p = next) {
		next = line_end(p, to);
		if (store_runs_line(p, (size_t)(next - p) - 1, &r) == -1)
			continue;
		if (strcmp(r.op, "verify") == 0)
			*ret_verify = p;
		else if (strcmp(r.op, "run") == 0 && store_runs_good(&r))
			*ret_good = p;
	}
}

static int
add(struct buf *out, const char *p, const char *end, struct err *e)
{
	if (buf_add(out, p, (size_t)(end - p)) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

bool
store_runs_many(const char *text, size_t len)
{
	const char *p, *end = text + len;
	size_t n = 0;

	for (p = text; p < end; p = line_end(p, end))
		n++;
	return n > STORE_RUNS_MAX || len > STORE_RUNS_BYTES;
}

int
store_runs_trim(const char *text, size_t len, struct buf *out, struct err *e)
{
	const char *tail = tail_of(text, len), *end = text + len;
	const char *verify = NULL, *good = NULL, *p, *next;

	last_of(text, tail, &verify, &good);
	for (p = text; p < tail; p = next) {
		next = line_end(p, tail);
		if ((p == verify || p == good) && add(out, p, next, e) == -1)
			return -1;
	}
	return add(out, tail, end, e);
}
