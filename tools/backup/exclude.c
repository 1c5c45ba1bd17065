/* SPDX-License-Identifier: ISC */
#include "exclude.h"

#include <stdlib.h>
#include <string.h>

#include "plain.h"
#include "rules.h"

#define WILD "*?["

/* Where in a path a pattern may begin. */
enum where {
	AT_NAME,		/* the last part */
	AT_TOP,			/* the first part */
	AT_TAIL,		/* so many parts from the end */
	AT_EACH,		/* any part */
};

struct exclude_rule {
	char *pattern;		/* owned; without what the rest says */
	enum where where;
	size_t parts;		/* for AT_TAIL */
	bool folder, wild;
	bool below;		/* ends in three stars */
	bool slash;		/* begins with "**": matches from a '/' on */
};

/* --- patterns --- */

/* One of [...]: s is behind the '['. Returns what is behind the ']'. */
static const char *
set_match(const char *s, char c, bool *ret)
{
	unsigned char a, b, u = (unsigned char)c;
	bool not = *s == '!' || *s == '^', hit = false;
	const char *first = s + not;

	for (s = first; *s != ']' || s == first; s++) {
		a = b = (unsigned char)*s;
		if (s[1] == '-' && s[2] != ']') {
			b = (unsigned char)s[2];
			s += 2;
		}
		/* A range that runs backwards is where it begins. */
		hit = hit || u == a || (u >= a && u <= b);
	}
	*ret = hit != not && c != '/';
	return s + 1;
}

/* The whole of s. Recursion is as deep as the pattern has stars. */
static bool
wild_match(const char *p, const char *s)
{
	bool hit, deep;

	for (; *p != '\0'; s++) {
		if (*p == '*') {
			deep = p[1] == '*';
			while (*p == '*')
				p++;
			if (*p == '\0')
				return deep || strchr(s, '/') == NULL;
			for (;; s++) {
				if (wild_match(p, s))
					return true;
				if (*s == '\0' || (*s == '/' && !deep))
					return false;
			}
		}
		if (*s == '\0')
			return false;
		if (*p == '?') {
			hit = *s != '/';
			p++;
		} else if (*p == '[') {
			p = set_match(p + 1, *s, &hit);
		} else {
			hit = *p++ == *s;
		}
		if (!hit)
			return false;
	}
	return *s == '\0';
}

static bool
match(const struct exclude_rule *r, const char *s)
{
	return r->wild ? wild_match(r->pattern, s) : strcmp(r->pattern,
	    s) == 0;
}

/* The last n parts of path, which has no '/' in front; NULL: it has fewer. */
static const char *
tail(const char *path, size_t n)
{
	const char *s = path + strlen(path);

	while (s > path)
		if (*--s == '/' && --n == 0)
			return s + 1;
	return n == 1 ? path : NULL;
}

/* path: without its first '/'. */
static bool
rule_hit(const struct exclude_rule *r, const char *path)
{
	const char *s = path;

	switch (r->where) {
	case AT_NAME:
		s = strrchr(path, '/');
		return match(r, s != NULL ? s + 1 : path);
	case AT_TOP:
		return match(r, r->slash ? path - 1 : path);
	case AT_TAIL:
		s = tail(path, r->parts);
		return s != NULL && match(r, s);
	case AT_EACH:
		for (; s != NULL; s = strchr(s, '/')) {
			s += *s == '/';
			if (match(r, s))
				return true;
		}
		return false;
	}
	return false;
}

/* To three stars in the end a folder is its path with a '/': so "X/" and they
 * are X and what is below it. */
static bool
below_hit(const struct exclude_rule *r, const char *path)
{
	char own[PLAIN_MAX + 3];
	size_t n = strlen(path);

	if (n > PLAIN_MAX)
		return rule_hit(r, path);
	own[0] = '/';
	memcpy(own + 1, path, n);
	own[n + 1] = '/';
	own[n + 2] = '\0';
	return rule_hit(r, own + 1);
}

static bool
hits(const struct exclude_rule *r, const char *path, bool folder)
{
	if (!folder)
		return !r->folder && rule_hit(r, path + 1);
	return r->below ? below_hit(r, path + 1) : rule_hit(r, path + 1);
}

bool
exclude_hit(const struct exclude *x, const char *path, bool folder)
{
	size_t i, k;

	for (i = 0; i < x->n; i++)
		if (hits(&x->v[i], path, folder))
			return true;
	for (k = 0; x->all && rules_unreal[k] != NULL; k++)
		if (plain_below(path, rules_unreal[k]) &&
		    strcmp(path, rules_unreal[k]) != 0)
			return true;
	return false;
}

bool
exclude_empty(const struct exclude *x, const char *path)
{
	size_t i;

	for (i = 0; x->all && rules_unreal[i] != NULL; i++)
		if (strcmp(path, rules_unreal[i]) == 0)
			return true;
	return false;
}

/* --- reading them --- */

/* Whether only rsync knows what it means. */
static bool
obscure(const char *s)
{
	const char *p, *first;

	/* What it escapes depends on what rsync makes of the rest. */
	if (strchr(s, '\\') != NULL)
		return true;
	for (; *s != '\0'; s++) {
		if (*s != '[')
			continue;
		p = s + 1 + (s[1] == '!' || s[1] == '^');
		for (first = p; *p != ']' || p == first; p++)
			if (*p == '\0' || *p == '[')
				return true;
		s = p;
	}
	return false;
}

static int
rule_init(struct exclude_rule *r, const char *text, struct err *e)
{
	bool top = text[0] == '/', deep = strstr(text, "**") != NULL;
	size_t n, slashes = 0;
	const char *s;

	if (obscure(text))
		return err_set(e, ERR_CONFIG, "exclude '%s': only rsync can "
		    "tell what it leaves out", text);
	r->pattern = strdup(text + top);
	if (r->pattern == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	n = strlen(r->pattern);
	if (n > 1 && r->pattern[n - 1] == '/') {
		r->folder = true;
		r->pattern[--n] = '\0';
	}
	r->wild = strpbrk(r->pattern, WILD) != NULL;
	r->below = n >= 3 && strcmp(r->pattern + n - 3, "***") == 0;
	for (s = r->pattern; *s != '\0'; s++)
		slashes += *s == '/';
	r->slash = !top && strncmp(text, "**", 2) == 0;
	r->where = top || r->slash ? AT_TOP : deep ? AT_EACH :
	    slashes > 0 ? AT_TAIL : AT_NAME;
	r->parts = slashes + 1;
	return 0;
}

static int
check_roots(const struct strv *roots, struct err *e)
{
	size_t i, k;

	for (i = 0; i < roots->n; i++)
		for (k = 0; k < roots->n; k++)
			if (i != k && plain_below(roots->v[i], roots->v[k]))
				return err_set(e, ERR_CONFIG, "root %s is "
				    "below root %s", roots->v[i],
				    roots->v[k]);
	return 0;
}

/* Whether a rule leaves out a root, or a folder that it is in. */
static int
check_hidden(const struct exclude *x, struct err *e)
{
	char path[PLAIN_MAX + 1];
	const char *root, *s;
	size_t i, k;

	for (i = 0; i < x->roots->n; i++) {
		root = x->roots->v[i];
		for (s = root + 1; *s != '\0'; s += *s == '/') {
			s += strcspn(s, "/");
			memcpy(path, root, (size_t)(s - root));
			path[s - root] = '\0';
			for (k = 0; k < x->n; k++)
				if (hits(&x->v[k], path, true))
					return err_set(e, ERR_CONFIG, "root "
					    "%s: an exclude leaves it out",
					    root);
		}
	}
	return 0;
}

int
exclude_init(struct exclude *x, const struct strv *roots,
    const struct strv *excludes, struct err *e)
{
	*x = (struct exclude){ .roots = roots, .all = strv_has(roots, "/") };
	if (check_roots(roots, e) == -1)
		return -1;
	if (excludes->n == 0)
		return 0;
	x->v = calloc(excludes->n, sizeof(*x->v));
	if (x->v == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (; x->n < excludes->n; x->n++)
		if (rule_init(&x->v[x->n], excludes->v[x->n], e) == -1) {
			exclude_clear(x);
			return -1;
		}
	if (check_hidden(x, e) == 0)
		return 0;
	exclude_clear(x);
	return -1;
}

void
exclude_clear(struct exclude *x)
{
	size_t i;

	for (i = 0; i < x->n; i++)
		free(x->v[i].pattern);
	free(x->v);
	*x = (struct exclude){ .n = 0 };
}
