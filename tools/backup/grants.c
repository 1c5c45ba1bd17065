/* SPDX-License-Identifier: ISC */
#include "grants.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

static bool
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

static bool
is_plain(unsigned char c)
{
	return c > 0x20 && c != 0x7f && c != '\\';
}

static const char *
check_path(const char *path)
{
	const char *part, *end;

	if (*path != '/')
		return "the path is not absolute";
	for (part = path + 1; *part != '\0'; part = end) {
		end = strchrnul(part, '/');
		if (end == part)
			return "the path has an empty part";
		if ((end - part == 1 && *part == '.') ||
		    (end - part == 2 && part[0] == '.' && part[1] == '.'))
			return "the path has a part . or ..";
		if (*end == '/' && *++end == '\0')
			return "the path ends in /";
	}
	return NULL;
}

/* n bytes at p into out, which has room for PATH_MAX. */
static const char *
unescape(const char *p, size_t n, char *out)
{
	size_t len = 0, i;
	unsigned c;

	for (i = 0; i < n; i++) {
		c = (unsigned char)p[i];
		if (c == '\\') {
			if (n - i < 4 || p[i + 1] > '3' || !is_octal(p[i + 1]) ||
			    !is_octal(p[i + 2]) || !is_octal(p[i + 3]))
				return "\\ without three octal digits";
			c = (unsigned)(p[i + 1] - '0') * 64 +
			    (unsigned)(p[i + 2] - '0') * 8 +
			    (unsigned)(p[i + 3] - '0');
			i += 3;
			if (c == 0)
				return "a path can't hold a NUL byte";
		} else if (!is_plain((unsigned char)c)) {
			return "a byte that must be written \\ooo";
		}
		if (len + 1 >= PATH_MAX)
			return "the path is too long";
		out[len++] = (char)c;
	}
	out[len] = '\0';
	return check_path(out);
}

static bool
is_letter(char c)
{
	return c == 'r' || c == 'l' || c == 'x' || c == 'd';
}

int
grants_parse(const char *text, size_t len, grants_fn *fn, void *arg,
    struct err *e)
{
	const char *p = text, *end = text + len, *nl, *why;
	char path[PATH_MAX];
	unsigned line;

	for (line = 1; p < end; line++, p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			return err_set(e, ERR_CONFIG,
			    "line %u: not ended: the file was cut", line);
		if (nl - p < 3 || !is_letter(p[0]) || p[1] != ' ')
			why = "not 'r PATH', or x, d or l in its place";
		else
			why = unescape(p + 2, (size_t)(nl - p - 2), path);
		if (why != NULL)
			return err_set(e, ERR_CONFIG, "line %u: %s", line,
			    why);
		if (fn(arg, p[0], path, e) == -1)
			return -1;
	}
	return 0;
}

int
grants_add(struct buf *out, char letter, const char *path, struct err *e)
{
	const char *why = check_path(path), *p;
	size_t before = out->len;
	int rc;

	if (why == NULL && !is_letter(letter))
		why = "no such grant";
	if (why == NULL && strlen(path) >= PATH_MAX)
		why = "the path is too long";
	if (why != NULL)
		return err_set(e, ERR_CONFIG, "%s: %s", path, why);
	rc = buf_addf(out, "%c ", letter);
	for (p = path; *p != '\0' && rc == 0; p++)
		rc = is_plain((unsigned char)*p) ? buf_addc(out, *p) :
		    buf_addf(out, "\\%03o", (unsigned)(unsigned char)*p);
	if (rc == 0)
		rc = buf_addc(out, '\n');
	if (rc == 0)
		return 0;
	out->len = before;
	if (out->cap > 0)
		out->data[before] = '\0';
	return err_set(e, ERR_MEM, "more than %zu bytes of grants", out->max);
}
