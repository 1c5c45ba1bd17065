/* SPDX-License-Identifier: ISC */
#include "proc/lines.h"

#include <string.h>

void
lines_init(struct lines *l, size_t max)
{
	*l = (struct lines){ .cut = false };
	buf_init(&l->part, max);
}

void
lines_clear(struct lines *l)
{
	buf_clear(&l->part);
	l->cut = false;
}

static void
keep(struct lines *l, const char *p, size_t len)
{
	if (len > l->part.max - l->part.len) {
		len = l->part.max - l->part.len;
		l->cut = true;
	}
	if (buf_add(&l->part, p, len) == -1)
		l->cut = true;
}

static bool
give(struct lines *l, lines_fn *fn, void *arg)
{
	struct buf part = l->part;
	bool cut = l->cut, more;

	buf_init(&l->part, part.max);
	l->cut = false;
	more = fn(arg, part.data, part.len, cut);
	buf_clear(&part);
	return more;
}

size_t
lines_feed(struct lines *l, char *p, size_t n, lines_fn *fn, void *arg)
{
	size_t used = 0, len;
	bool more = true;
	char *nl;

	while (more && used < n) {
		nl = memchr(p + used, '\n', n - used);
		if (nl == NULL) {
			keep(l, p + used, n - used);
			return n;
		}
		*nl = '\0';
		len = (size_t)(nl - (p + used));
		/* The usual case: a whole line, handed over where it lies. */
		if (l->part.len == 0 && !l->cut && len <= l->part.max) {
			more = fn(arg, p + used, len, false);
		} else {
			keep(l, p + used, len);
			more = give(l, fn, arg);
		}
		used += len + 1;
	}
	return used;
}

void
lines_end(struct lines *l, lines_fn *fn, void *arg)
{
	if (l->part.len > 0 || l->cut)
		give(l, fn, arg);
}
