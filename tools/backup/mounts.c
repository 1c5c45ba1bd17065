/* SPDX-License-Identifier: ISC */
#include "mounts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"
#include "sys/file.h"

#define INFO "/proc/self/mountinfo"
#define FIELD 5			/* the mount point's, from 1 */

/* Of a line, unescaped, into out: whether there is one. */
static bool
mount_point(const char *line, size_t len, char out[PLAIN_MAX + 1])
{
	const char *end = line + len;
	size_t n = 0;
	int i;

	for (i = 1; i < FIELD; i++) {
		line = memchr(line, ' ', (size_t)(end - line));
		if (line == NULL)
			return false;
		line++;
	}
	for (; line < end && *line != ' '; line++) {
		if (n == PLAIN_MAX)
			return false;
		out[n] = *line;
		/* \ooo: a space, a tab, the end of a line, a backslash. */
		if (*line == '\\' && end - line > 3 && line[1] >= '0' &&
		    line[1] <= '3' && line[2] >= '0' && line[2] <= '7' &&
		    line[3] >= '0' && line[3] <= '7') {
			out[n] = (char)((line[1] - '0') << 6 |
			    (line[2] - '0') << 3 | (line[3] - '0'));
			line += 3;
		}
		if (out[n++] == '\0')
			return false;
	}
	out[n] = '\0';
	return n > 0 && plain_why(out) == NULL;
}

static bool
counts(const char *path, const struct strv *roots)
{
	bool below = false;
	size_t i;

	for (i = 0; i < roots->n; i++) {
		if (plain_below(roots->v[i], path))
			return false;
		below = below || plain_below(path, roots->v[i]);
	}
	return below;
}

static int
by_length(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	size_t n = strlen(x), m = strlen(y);

	return n != m ? (n > m) - (n < m) : strcmp(x, y);
}

/* What a line of the request takes: msgtext.h. */
static size_t
cost(const char *path)
{
	size_t n = sizeof("mount \n");

	for (; *path != '\0'; path++)
		n += (unsigned char)*path < 0x21 || *path == 0x7f ||
		    *path == '\\' ? 4 : 1;
	return n;
}

static bool
covered(const char *path, const struct strv *by)
{
	size_t i;

	for (i = 0; i < by->n; i++)
		if (plain_below(path, by->v[i]))
			return true;
	return false;
}

int
mounts_below(const char *text, size_t len, const struct strv *roots,
    struct strv *ret, struct err *e)
{
	const char *end = text + len, *nl;
	char path[PLAIN_MAX + 1];
	struct strv all = { 0 };
	size_t i, left = MOUNTS_MAX;
	int rc = 0;

	for (; rc == 0 && text < end; text = nl + 1) {
		nl = memchr(text, '\n', (size_t)(end - text));
		if (nl == NULL)
			nl = end;
		if (mount_point(text, (size_t)(nl - text), path) &&
		    counts(path, roots))
			rc = strv_add(&all, path);
	}
	if (all.n > 1)
		qsort(all.v, all.n, sizeof(all.v[0]), by_length);
	for (i = 0; rc == 0 && i < all.n && cost(all.v[i]) <= left; i++) {
		if (covered(all.v[i], ret))
			continue;
		left -= cost(all.v[i]);
		rc = strv_add(ret, all.v[i]);
	}
	strv_clear(&all);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory, or too many "
	    "mount points");
}

/* Whether path, below root, or a folder between the two, is left out. */
static bool
left_out(const char *path, const char *root, const struct exclude *x)
{
	char part[PLAIN_MAX + 1];
	size_t i, n = strlen(path), from = strlen(root);

	for (i = from > 1 ? from + 1 : from; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (exclude_hit(x, part, true) || exclude_empty(x, part))
			return true;
	}
	return false;
}

static bool
touches(const char *path, const struct strv *roots, const struct exclude *x)
{
	size_t i;

	for (i = 0; i < roots->n; i++)
		if (plain_below(roots->v[i], path) ||
		    (plain_below(path, roots->v[i]) &&
		    !left_out(path, roots->v[i], x)))
			return true;
	return false;
}

int
mounts_touching(const char *text, size_t len, const struct strv *roots,
    const struct exclude *x, struct buf *ret, struct err *e)
{
	const char *end = text + len, *nl;
	char path[PLAIN_MAX + 1];

	for (; text < end; text = nl + 1) {
		nl = memchr(text, '\n', (size_t)(end - text));
		if (nl == NULL)
			nl = end;
		/* A line that can't be read may be about a root. */
		if (mount_point(text, (size_t)(nl - text), path) &&
		    !touches(path, roots, x))
			continue;
		if (buf_add(ret, text, (size_t)(nl - text)) == -1 ||
		    buf_addc(ret, '\n') == -1)
			return err_set(e, ERR_MEM, "out of memory");
	}
	return 0;
}

int
mounts_text(struct buf *ret, struct err *e)
{
	return file_read(INFO, ret, e);
}

int
mounts_read(const struct strv *roots, struct strv *ret, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, MOUNTS_TEXT);
	rc = mounts_text(&b, e);
	if (rc == 0)
		rc = mounts_below(b.data, b.len, roots, ret, e);
	buf_clear(&b);
	return rc;
}
