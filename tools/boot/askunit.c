/* SPDX-License-Identifier: ISC */
#include "askunit.h"

#include <string.h>

#define START	"ExecStart=/"
#define PROGRAM	"/systemd-cryptsetup attach "

/* The word in single quotes at *p, which ends before end; *p is moved behind
 * it. A backslash would begin an escape, a percent sign that is not doubled a
 * specifier: the generator writes neither. */
static int
quoted(const char **p, const char *end, char ret[ASKUNIT_TEXT])
{
	const char *s = *p;
	size_t n = 0;

	if (s == end || *s++ != '\'')
		return -1;
	for (; s < end && *s != '\''; s++) {
		if (*s == '\\' || (unsigned char)*s < ' ' ||
		    n + 1 >= ASKUNIT_TEXT)
			return -1;
		if (*s == '%' && (++s == end || *s != '%'))
			return -1;
		ret[n++] = *s;
	}
	if (s == end || n == 0)
		return -1;
	ret[n] = '\0';
	*p = s + 1;
	return 0;
}

/* One line, which ends before end. 0, or -1: it attaches none. */
static int
take(const char *line, const char *end, struct askunit *ret)
{
	const char *p, *blank;

	if ((size_t)(end - line) < strlen(START) ||
	    memcmp(line, START, strlen(START)) != 0)
		return -1;
	blank = memchr(line, ' ', (size_t)(end - line));
	if (blank == NULL)
		return -1;
	p = blank - strcspn(PROGRAM, " ");
	if (p < line || (size_t)(end - p) < strlen(PROGRAM) ||
	    memcmp(p, PROGRAM, strlen(PROGRAM)) != 0)
		return -1;
	p += strlen(PROGRAM);
	if (quoted(&p, end, ret->name) == -1 || p == end || *p++ != ' ')
		return -1;
	return quoted(&p, end, ret->device);
}

int
askunit_parse(const char *text, size_t len, struct askunit *ret, struct err *e)
{
	const char *end = text + len, *nl;
	struct askunit u;

	for (; text < end; text = nl + 1) {
		nl = memchr(text, '\n', (size_t)(end - text));
		if (nl == NULL)
			nl = end;
		if (take(text, nl, &u) == 0 && u.device[0] == '/') {
			*ret = u;
			return 0;
		}
		if (nl == end)
			break;
	}
	return err_set(e, ERR_PEER, "unit: attaches no disk");
}
