/* SPDX-License-Identifier: ISC */
#include "gitrepo.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/esc.h"

#define SHOWN 100	/* bytes of a name that is refused */

static const char begins[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789";
static const char goes_on[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789._@/+-";

static int
refuse(struct err *e, const char *arg, const char *why)
{
	size_t n = strnlen(arg, SHOWN + 1);
	bool cut = n > SHOWN;
	struct buf shown;

	buf_init(&shown, 1024);
	if (esc_text(&shown, arg, cut ? SHOWN : n) == -1)
		buf_clear(&shown);
	err_set(e, ERR_REFUSED, "repository '%s%s' %s", shown.data,
	    cut ? "..." : "", why);
	buf_clear(&shown);
	return -1;
}

/* n bytes at s end in tail. */
static size_t
without(const char *s, size_t n, const char *tail)
{
	size_t t = strlen(tail);

	return n >= t && memcmp(s + n - t, tail, t) == 0 ? n - t : n;
}

/* The argument's part that is its name, in gitolite's order of things. */
static size_t
name_len(const char *s)
{
	size_t n = strlen(s);

	if (n >= 5 && memcmp(s + n - 5, ".git", 4) == 0 &&
	    strchr("0123456789", s[n - 1]) != NULL)
		n -= 5;
	n = without(s, n, "/");
	return without(s, n, ".git");
}

/* What holds for names, and for what a pattern says of them. */
static const char *
why_odd(const char *name)
{
	size_t n = strlen(name);

	if (strstr(name, "..") != NULL)
		return "has '..' in it";
	if (strstr(name, ".git/") != NULL || without(name, n, ".git") != n)
		return "has a '.git' too many in it";
	if (strstr(name, "//") != NULL || strstr(name, "/./") != NULL ||
	    without(name, n, "/.") != n || without(name, n, "/") != n)
		return "is not the plainest form of its path";
	return NULL;
}

static const char *
why_not(const char *name)
{
	if (*name == '\0')
		return "has no name";
	if (strchr(begins, name[0]) == NULL)
		return "has to begin with a letter or a digit";
	if (name[strspn(name, goes_on)] != '\0')
		return "has other characters than letters, digits and ._@/+-";
	return why_odd(name);
}

int
gitrepo_pattern(const char *pattern, struct err *e)
{
	size_t n = strcspn(pattern, "*"), i;
	const char *why;

	if (n > 0 && strchr(begins, pattern[0]) == NULL)
		return refuse(e, pattern, "has to begin with a letter, a "
		    "digit or *");
	for (i = 0; pattern[i] != '\0'; i++)
		if (pattern[i] != '*' && strchr(goes_on, pattern[i]) == NULL)
			return refuse(e, pattern, "has other characters than "
			    "letters, digits and ._@/+-*");
	why = why_odd(pattern);
	return why != NULL ? refuse(e, pattern, why) : 0;
}

int
gitrepo_name(const char *arg, char ret[GITREPO_MAX + 1], struct err *e)
{
	const char *s = arg + (arg[0] == '/'), *why;
	char name[GITREPO_MAX + 1];
	size_t n = name_len(s);

	if (n > GITREPO_MAX)
		return refuse(e, arg, "has a name that is too long");
	memcpy(name, s, n);
	name[n] = '\0';
	why = why_not(name);
	if (why != NULL)
		return refuse(e, arg, why);
	memcpy(ret, name, n + 1);
	return 0;
}
