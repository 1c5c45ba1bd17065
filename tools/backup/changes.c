/* SPDX-License-Identifier: ISC */
#include "changes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "plain.h"
#include "proc/msg.h"

int
changes_add(struct buf *out, char sign, const char *dir, const char *name)
{
	size_t was = out->len;

	if (buf_addc(out, sign) == 0 && buf_adds(out, dir) == 0 &&
	    buf_add(out, name, strlen(name) + 1) == 0)
		return 0;
	out->len = was;
	return -1;
}

static int
by_path(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	int order = strcmp(x + 1, y + 1);

	return order != 0 ? order : *x - *y;
}

static int
check(const char *s, const char *end, struct err *e)
{
	if (*s == '\0' || strchr("+-=.", *s) == NULL)
		return err_set(e, ERR_PEER, "changes: 0x%02x is no sign",
		    (unsigned char)*s);
	if (memchr(s, '\0', (size_t)(end - s)) == NULL)
		return err_set(e, ERR_PEER, "changes: a path that does not "
		    "end");
	if (plain_why(s + 1) != NULL)
		return err_set(e, ERR_PEER, "changes: a path %s",
		    plain_why(s + 1));
	if (s[2] == '\0')
		return err_set(e, ERR_PEER, "changes: nothing can be told of "
		    "the top");
	return 0;
}

/* A folder is not to be gone through once for each time that it is told of. */
static void
once(struct changes *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->n; i++)
		if (n == 0 || strcmp(c->v[n - 1], c->v[i]) != 0)
			c->v[n++] = c->v[i];
	c->n = n;
}

int
changes_parse(const char *text, size_t len, struct changes *ret,
    struct err *e)
{
	const char *s, *end = text + len;
	struct changes c = { .n = 0 };

	for (s = text; s < end; s += strlen(s) + 1, c.n++)
		if (check(s, end, e) == -1)
			return -1;
	c.v = calloc(c.n + 1, sizeof(*c.v));
	if (c.v == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (c.n = 0, s = text; s < end; s += strlen(s) + 1)
		c.v[c.n++] = s;
	if (c.n > 0)
		qsort(c.v, c.n, sizeof(*c.v), by_path);
	once(&c);
	*ret = c;
	return 0;
}

bool
changes_new(const char *text, size_t len)
{
	const char *s;

	for (s = text; s < text + len; s += strlen(s) + 1)
		if (*s == '+')
			return true;
	return false;
}

void
changes_clear(struct changes *c)
{
	free(c->v);
	*c = (struct changes){ .n = 0 };
}

/* The first that is not before path. */
static size_t
first(const struct changes *c, const char *path)
{
	size_t low = 0, high = c->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(c->v[mid] + 1, path) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool
changes_below(const struct changes *c, const char *path)
{
	size_t n = strlen(path), at = first(c, path);
	char own[PLAIN_MAX + 1];

	if (n == 1)
		return c->n > 0;
	if (n > PLAIN_MAX)
		return true;
	if (at < c->n && strncmp(c->v[at] + 1, path, n) == 0)
		return true;
	memcpy(own, path, n - 1);
	own[n - 1] = '\0';
	return (changes_find(c, own) & (CHANGES_GONE | CHANGES_ALL)) != 0;
}

int
changes_find(const struct changes *c, const char *path)
{
	size_t low = first(c, path);
	int said = 0;

	for (; low < c->n && strcmp(c->v[low] + 1, path) == 0; low++)
		said |= c->v[low][0] == '+' ? CHANGES_NEW :
		    c->v[low][0] == '-' ? CHANGES_GONE :
		    c->v[low][0] == '=' ? CHANGES_ALL : CHANGES_KEPT;
	return said;
}

int
changes_list(const char *text, size_t len, struct buf *out, struct err *e)
{
	struct changes c = { .n = 0 };
	int rc = changes_parse(text, len, &c, e);
	size_t i;

	/* With its '/' in front, which rsync drops: a line that begins with '#'
	 * or ';' it takes for a remark. */
	for (i = 0; rc == 0 && i < c.n; i++)
		if (c.v[i][0] == '+' && buf_add(out, c.v[i] + 1,
		    strlen(c.v[i])) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
	changes_clear(&c);
	return rc;
}

size_t
changes_put(const struct buf *text, size_t *at,
    const struct changes_sums *sums, char *out, bool *ret_end)
{
	size_t n = text->len - *at;
	int len;

	*ret_end = n == 0;
	if (n == 0) {
		len = snprintf(out, MSG_MAX, "e%" PRIu64 " %" PRIu64
		    " %" PRId64, sums->files, sums->bytes, sums->top_ns);
		return (size_t)len;
	}
	n = n < MSG_MAX - 1 ? n : MSG_MAX - 1;
	out[0] = 'c';
	memcpy(out + 1, text->data + *at, n);
	*at += n;
	return n + 1;
}

/* Three numbers with a space between. */
static int
take_sums(const char *data, size_t len, struct changes_sums *ret)
{
	uint64_t v[3];
	char text[72], *s, *next;
	int i;

	if (len >= sizeof(text) || memchr(data, '\0', len) != NULL)
		return -1;
	memcpy(text, data, len);
	text[len] = '\0';
	for (i = 0, s = text; i < 3; i++, s = next) {
		next = strchrnul(s, ' ');
		if ((*next == '\0') != (i == 2))
			return -1;
		if (*next != '\0')
			*next++ = '\0';
		if (num_u64(s, "sums", 0, INT64_MAX, &v[i], NULL) == -1)
			return -1;
	}
	*ret = (struct changes_sums){ v[0], v[1], (int64_t)v[2] };
	return 0;
}

int
changes_take(struct buf *text, const char *data, size_t len,
    struct changes_sums *ret, struct err *e)
{
	switch (data[0]) {
	case 'c':
		if (len - 1 > text->max - text->len)
			return err_set(e, ERR_PEER, "changes: more than %zu "
			    "bytes", text->max);
		return buf_add(text, data + 1, len - 1) == 0 ? CHANGES_MORE :
		    err_set(e, ERR_MEM, "out of memory");
	case 'e':
		return take_sums(data + 1, len - 1, ret) == 0 ? CHANGES_END :
		    err_set(e, ERR_PEER, "changes: an end without its sums");
	case 'n':
		return CHANGES_NONE;
	default:
		return err_set(e, ERR_PEER, "changes: 0x%02x is no kind of "
		    "frame", (unsigned char)data[0]);
	}
}
