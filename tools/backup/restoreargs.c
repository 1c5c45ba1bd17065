/* SPDX-License-Identifier: ISC */
#include "restoreargs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/esc.h"
#include "rootargs.h"

#define WILD	"*?["
#define RULE_MAX 4095		/* rsync drops longer ones */

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory, or too many paths");
}

static int
bad(struct err *e, const char *path, const char *why)
{
	struct buf shown;

	buf_init(&shown, 1024);
	if (esc_text(&shown, path, strnlen(path, 200)) == -1)
		buf_clear(&shown);
	err_set(e, ERR_USAGE, "'%s' %s", shown.data, why);
	buf_clear(&shown);
	return -1;
}

int
restoreargs_paths(char *const *typed, size_t n, struct strv *ret,
    struct err *e)
{
	struct strv all = { 0 };
	size_t i, j, len;
	int rc = -1;

	for (i = 0; i < n; i++) {
		len = strlen(typed[i]);
		while (len > 1 && typed[i][len - 1] == '/')
			len--;
		if (strv_addf(&all, "%.*s", (int)len, typed[i]) == -1) {
			no_mem(e);
			goto out;
		}
		if (plain_why(all.v[i]) != NULL) {
			bad(e, typed[i], plain_why(all.v[i]));
			goto out;
		}
	}
	if (n == 0 && strv_add(&all, "/") == -1) {
		no_mem(e);
		goto out;
	}
	for (i = 0; i < all.n; i++) {
		for (j = 0; j < all.n; j++)
			if (j != i && plain_below(all.v[i], all.v[j]) &&
			    (j < i || strcmp(all.v[i], all.v[j]) != 0))
				break;
		if (j == all.n && strv_add(ret, all.v[i]) == -1) {
			no_mem(e);
			goto out;
		}
	}
	rc = 0;
out:
	strv_clear(&all);
	return rc;
}

/* The length of the folder above path[0 .. len): 1 for "/". */
static size_t
above(const char *path, size_t len)
{
	while (len > 1 && path[len - 1] != '/')
		len--;
	return len > 1 ? len - 1 : 1;
}

void
restoreargs_base(const struct strv *paths, char ret[PLAIN_MAX + 1])
{
	size_t i, len = above(paths->v[0], strlen(paths->v[0]));
	const char *odd;

	memcpy(ret, paths->v[0], len);
	ret[len] = '\0';
	for (i = 1; i < paths->n; i++) {
		while (len > 1 && (strcmp(paths->v[i], ret) == 0 ||
		    !plain_below(paths->v[i], ret))) {
			len = above(ret, len);
			ret[len] = '\0';
		}
	}
	odd = strpbrk(ret, ROOTARGS_ODD);
	if (odd != NULL)
		ret[above(ret, (size_t)(odd - ret))] = '\0';
}

/* rsync takes a '\' in a pattern without a wildcard as it stands. */
static int
add_pattern(struct strv *rules, const char *option, const char *path,
    size_t len, const char *tail)
{
	bool wild = memchr(path, '*', len) || memchr(path, '?', len) ||
	    memchr(path, '[', len) || strchr(tail, '*') != NULL;
	struct buf b;
	int rc = -1;
	size_t i;

	buf_init(&b, 2 * PLAIN_MAX + 64);
	if (buf_adds(&b, option) == -1)
		goto out;
	for (i = 0; i < len; i++)
		if ((wild && strchr(WILD "\\", path[i]) != NULL &&
		    buf_addc(&b, '\\') == -1) || buf_addc(&b, path[i]) == -1)
			goto out;
	if (buf_adds(&b, tail) == -1 || b.len > RULE_MAX)
		goto out;
	rc = strv_has(rules, b.data) ? 0 : strv_add(rules, b.data);
out:
	buf_clear(&b);
	return rc;
}

/* below: the part of a path behind the base, with its '/'. */
static int
add_rules(struct strv *rules, const char *below)
{
	const char *s;

	for (s = strchr(below + 1, '/'); s != NULL; s = strchr(s + 1, '/'))
		if (add_pattern(rules, "--include=", below,
		    (size_t)(s - below), "/") == -1)
			return -1;
	if (add_pattern(rules, "--include=", below, strlen(below), "") == -1)
		return -1;
	return add_pattern(rules, "--include=", below, strlen(below), "/**");
}

/* The first part of below, with what rsync would take for more than itself
 * replaced by a wildcard: the rules leave out what else that matches. */
static int
add_source(struct strv *sources, const char *base, const char *below)
{
	size_t len = 1 + strcspn(below + 1, "/"), i;
	char *s = NULL;
	int rc;

	if (asprintf(&s, "%s%.*s", base, (int)len, below) == -1)
		return -1;
	for (i = strlen(base); s[i] != '\0'; i++)
		if (strchr(ROOTARGS_ODD, s[i]) != NULL)
			s[i] = '?';
	rc = strv_has(sources, s) ? 0 : strv_add(sources, s);
	free(s);
	return rc;
}

int
restoreargs_make(const struct strv *paths, const char *base,
    struct strv *sources, struct strv *rules, struct err *e)
{
	size_t i, skip = strlen(base) > 1 ? strlen(base) : 0;
	const char *prefix = skip > 0 ? base : "", *below;

	if (strv_has(paths, "/"))
		return strv_add(sources, "/") == 0 ? 0 : no_mem(e);
	for (i = 0; i < paths->n; i++) {
		below = paths->v[i] + skip;
		if (add_source(sources, prefix, below) == -1)
			return no_mem(e);
		if (add_rules(rules, below) == -1)
			return bad(e, paths->v[i], "is too long to be asked "
			    "for by itself: restore the folder above it");
	}
	return strv_add(rules, "--exclude=*") == 0 ? 0 : no_mem(e);
}
