/* SPDX-License-Identifier: ISC */
#include "glob.h"

#include <string.h>

size_t
glob_literal(const char *pattern)
{
	return strcspn(pattern, "*?[\\");
}

size_t
glob_tail(const char *pattern)
{
	size_t len = strlen(pattern), n = 0;

	if (strpbrk(pattern, "[\\") != NULL)
		return 0;
	while (n < len && pattern[len - 1 - n] != '*' &&
	    pattern[len - 1 - n] != '?')
		n++;
	return n;
}

/* The end of the class that begins at p ("["), or NULL: no class at all. */
static const char *
class_end(const char *p)
{
	p++;
	if (*p == '!' || *p == '^')
		p++;
	if (*p == ']')
		p++;
	while (*p != '\0' && *p != ']')
		p += p[0] == '\\' && p[1] != '\0' ? 2 : 1;
	return *p == ']' ? p + 1 : NULL;
}

static bool
in_class(const char *p, const char *end, unsigned char c)
{
	unsigned char lo, hi;
	bool not, found = false;

	p++;
	end--;
	not = *p == '!' || *p == '^';
	p += not;
	while (p < end) {
		if (*p == '\\' && p + 1 < end)
			p++;
		lo = hi = (unsigned char)*p++;
		if (*p == '-' && p + 1 < end) {
			p++;
			if (*p == '\\' && p + 1 < end)
				p++;
			hi = (unsigned char)*p++;
		}
		found |= lo <= c && c <= hi;
	}
	return found != not;
}

/* Whether the one byte at *p, which is no star, matches c; *p moves on. */
static bool
one(const char **p, char c)
{
	const char *end;

	switch (**p) {
	case '\0':
		return false;
	case '?':
		(*p)++;
		return c != '/';
	case '[':
		end = class_end(*p);
		if (end != NULL) {
			bool in = c != '/' && in_class(*p, end,
			    (unsigned char)c);

			*p = end;
			return in;
		}
		break;
	case '\\':
		if ((*p)[1] != '\0')
			(*p)++;
		break;
	}
	return *(*p)++ == c;
}

/*
 * Where to go on when a match fails: behind the last '*', one byte later, as
 * long as it need not swallow a '/'; else behind the last "**". Earlier stars
 * need no second try: what a later one skips is what they could have taken.
 */
bool
glob_match(const char *pattern, const char *s, size_t len)
{
	const char *end = s + len, *p = pattern;
	const char *p1 = NULL, *s1 = NULL, *p2 = NULL, *s2 = NULL;
	bool folders = false;

	for (;;) {
		if (p[0] == '*' && p[1] == '*') {
			/* With a '/' on both sides: what follows begins
			 * here or behind any later '/'. */
			folders = p[2] == '/' &&
			    (p == pattern || p[-1] == '/');
			p += folders ? 3 : 2;
			p2 = p;
			s2 = s;
			p1 = NULL;
			continue;
		}
		if (*p == '*') {
			p1 = ++p;
			s1 = s;
			continue;
		}
		if (s == end && *p == '\0')
			return true;
		if (s < end && one(&p, *s)) {
			s++;
			continue;
		}
		if (p1 != NULL && s1 < end && *s1 != '/') {
			s = ++s1;
			p = p1;
			continue;
		}
		if (p2 == NULL)
			return false;
		if (folders)
			s2 = memchr(s2, '/', (size_t)(end - s2));
		if (s2 == NULL || s2 == end)
			return false;
		s = ++s2;
		p = p2;
		p1 = NULL;
	}
}
