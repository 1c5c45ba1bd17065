/* SPDX-License-Identifier: ISC */
#include "plain.h"

#include <string.h>

const char *
plain_why(const char *path)
{
	const char *s = path;
	size_t n;

	if (s[0] != '/')
		return s[0] == '\0' ? "is empty" : "is not absolute";
	if (strlen(s) > PLAIN_MAX)
		return "is longer than 4095 bytes";
	if (s[1] == '\0')
		return NULL;
	while (*s == '/') {
		n = strcspn(++s, "/");
		if (n == 0)
			return *s == '\0' ? "ends in '/'" : "has '//' in it";
		if (n == 1 && s[0] == '.')
			return "has a part '.'";
		if (n == 2 && s[0] == '.' && s[1] == '.')
			return "has a part '..'";
		s += n;
	}
	return NULL;
}

bool
plain_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n == 1)
		return true;
	return strncmp(path, dir, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}
