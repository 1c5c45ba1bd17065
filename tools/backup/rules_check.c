/* SPDX-License-Identifier: ISC */
/* The part of rules.h that refuses. */
#include <fnmatch.h>

#include "base/esc.h"
#include "plain.h"
#include "rules.h"

#define PATTERN_MAX	4095	/* bytes that rsync reads of one */
#define WILD		"*?["	/* with one of them, '\' escapes, too */

const char *const rules_unreal[] = { "/dev", "/proc", "/run", "/sys", NULL };

bool
rules_literal(const char *exclude)
{
	return exclude[0] == '/' && strpbrk(exclude, WILD "\\") == NULL;
}

/* A refusal that shows name escaped. */
static int
refuse(struct err *e, const char *what, const char *name, const char *why)
{
	struct buf shown;

	buf_init(&shown, 1024);
	if (esc_text(&shown, name, strnlen(name, 200)) == -1)
		buf_clear(&shown);
	err_set(e, ERR_CONFIG, "%s '%s': %s", what, shown.data, why);
	buf_clear(&shown);
	return -1;
}

static size_t
escaped_len(const char *path)
{
	size_t n;

	for (n = 0; *path != '\0'; path++)
		n += strchr(WILD "\\", *path) != NULL ? 2 : 1;
	return n;
}

/* The path that a literal exclude names, without a '/' at its end. */
static size_t
literal_len(const char *exclude)
{
	size_t n = strlen(exclude);

	return n > 1 && exclude[n - 1] == '/' ? n - 1 : n;
}

/* Whether path is what the literal exclude names, or below it. */
static bool
literal_hides(const char *exclude, const char *path)
{
	size_t n = literal_len(exclude);

	return strncmp(path, exclude, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

/* Whether a pattern matches path (without its first '/') as rsync means it:
 * anchored by a '/' at its begin; otherwise by its last parts. */
static bool
matches(const char *pattern, const char *path)
{
	bool wild = strpbrk(pattern, WILD) != NULL;
	bool anchored = pattern[0] == '/';
	const char *s = path;

	pattern += anchored ? 1 : 0;
	for (;;) {
		if ((wild ? fnmatch(pattern, s, FNM_PATHNAME) :
		    strcmp(pattern, s)) == 0)
			return true;
		if (anchored || (s = strchr(s, '/')) == NULL)
			return false;
		s++;
	}
}

/* Whether the pattern x hides root or one of its parents: then nothing of it
 * would be saved, and nobody would be told. */
static bool
pattern_hides(const char *x, const char *root)
{
	char pattern[PATTERN_MAX + 1], path[PLAIN_MAX + 1];
	size_t n = strlen(x), i;

	if (n >= 4 && strcmp(x + n - 4, "/***") == 0)
		n -= 4;
	else if (x[n - 1] == '/')
		n--;
	memcpy(pattern, x, n);
	pattern[n] = '\0';
	if (n == 0 || root[1] == '\0' || strstr(pattern, "**") != NULL)
		return false;
	for (i = 1;; i++) {
		if (root[i] == '/' || root[i] == '\0') {
			memcpy(path, root + 1, i - 1);
			path[i - 1] = '\0';
			if (matches(pattern, path))
				return true;
		}
		if (root[i] == '\0')
			return false;
	}
}

static int
check_root(const char *root, struct err *e)
{
	const char *why = plain_why(root);

	if (why != NULL)
		return refuse(e, "root", root, why);
	if (strpbrk(root, "\r\n") != NULL)
		return refuse(e, "root", root, "no rule of rsync can hold a "
		    "name with a newline; take the folder above as the root");
	/* With "/" and two stars behind it. */
	if (escaped_len(root) + 3 > PATTERN_MAX)
		return refuse(e, "root", root, "is too long for a rule of "
		    "rsync");
	return 0;
}

static int
check_exclude(const struct rules *r, const char *x, struct err *e)
{
	char path[PATTERN_MAX + 1];
	const char *why;
	size_t i, n = strlen(x);

	if (n == 0)
		return refuse(e, "exclude", x, "is empty");
	if (strpbrk(x, "\r\n") != NULL)
		return refuse(e, "exclude", x, "no rule of rsync can hold a "
		    "name with a newline; '?' stands for it");
	if (n > PATTERN_MAX)
		return refuse(e, "exclude", x, "is longer than 4095 bytes");
	if (!rules_literal(x)) {
		for (i = 0; i < r->roots->n; i++)
			if (pattern_hides(x, r->roots->v[i]))
				return refuse(e, "exclude", x, "hides a "
				    "whole root: leave out one of the two");
		return 0;
	}
	n = literal_len(x);
	memcpy(path, x, n);
	path[n] = '\0';
	if ((why = plain_why(path)) != NULL)
		return refuse(e, "exclude", x, why);
	if (n == 1)
		return refuse(e, "exclude", x, "hides all that there is");
	for (i = 0; i < r->roots->n; i++)
		if (literal_hides(x, r->roots->v[i]))
			return refuse(e, "exclude", x, "hides a whole root: "
			    "leave out one of the two");
	return 0;
}

int
rules_check(const struct rules *r, struct err *e)
{
	size_t i;

	if (r->roots->n == 0)
		return err_set(e, ERR_CONFIG, "no root is given: nothing "
		    "would be saved");
	for (i = 0; i < r->roots->n; i++)
		if (check_root(r->roots->v[i], e) == -1)
			return -1;
	for (i = 0; i < r->excludes->n; i++)
		if (check_exclude(r, r->excludes->v[i], e) == -1)
			return -1;
	return 0;
}

