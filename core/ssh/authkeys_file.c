/* SPDX-License-Identifier: ISC */
/* A whole authorized_keys file, line by line. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ssh/authkeys.h"
#include "sys/file.h"

static bool
same(const struct authkeys_part *a, const struct authkeys_part *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

bool
authkeys_same(const struct authkeys_line *a, const struct authkeys_line *b)
{
	return same(&a->type, &b->type) && same(&a->key, &b->key);
}

/* Bytes of the line at p, its line feed not counted. */
static size_t
line_len(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return (size_t)((nl != NULL ? nl : end) - p);
}

bool
authkeys_find(const char *text, size_t len, const struct authkeys_line *k,
    struct authkeys_line *ret)
{
	const char *p = text, *end = text + len;
	struct authkeys_line l;
	size_t n;

	for (; p < end; p += n + 1) {
		n = line_len(p, end);
		if (authkeys_parse(p, n, &l, NULL) == 0 &&
		    authkeys_same(&l, k)) {
			*ret = l;
			return true;
		}
	}
	return false;
}

int
authkeys_put(const char *text, size_t len, const char *comment,
    const char *line, struct buf *out, size_t *ret_found, struct err *e)
{
	const struct authkeys_part ours = { comment, strlen(comment) };
	const char *p = text, *end = text + len;
	struct authkeys_line l;
	size_t n, found = 0;
	int rc = 0;

	while (p < end) {
		n = line_len(p, end);
		if (authkeys_parse(p, n, &l, NULL) == -1 ||
		    !same(&l.comment, &ours)) {
			n += p + n < end;
			rc |= buf_add(out, p, n);
			p += n;
			continue;
		}
		if (found++ == 0 && line != NULL)
			rc |= buf_addf(out, "%s\n", line);
		p += n + 1;
	}
	if (found == 0 && line != NULL) {
		if (out->len > 0 && out->data[out->len - 1] != '\n')
			rc |= buf_addc(out, '\n');
		rc |= buf_addf(out, "%s\n", line);
	}
	if (rc != 0)
		return err_set(e, ERR_MEM, "out of memory, or a file that is "
		    "too long");
	*ret_found = found;
	return 0;
}

int
authkeys_load(const char *path, struct buf *out, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == -1 && errno == ENOENT)
		return 0;
	return file_read(path, out, e);
}

int
authkeys_save(const char *path, const struct buf *text, struct err *e)
{
	struct stat st;
	mode_t mode = 0600;

	if (lstat(path, &st) == 0)
		mode = st.st_mode & 0755;
	return file_write(path, text->data, text->len, mode, NULL, e);
}
