/* SPDX-License-Identifier: ISC */
/* The part of rules.h that walks: what Landlock grants. */
#include "plain.h"
#include "rules.h"

/* One folder whose entries are looked at. */
struct level {
	const struct rules *r;
	struct rules_grants *g;
	const char *path;
	struct strv *deeper;	/* folders of it that hold an exclude */
};

void
rules_grants_clear(struct rules_grants *g)
{
	strv_clear(&g->files);
	strv_clear(&g->folders);
}

/*
 * How path stands to one thing that is not read, hidden (of len bytes):
 * 0 apart, 1 it lies below path, 2 it is path.
 */
static int
relation(const char *hidden, size_t len, const char *path)
{
	size_t n = strlen(path);

	if (n == len && memcmp(hidden, path, n) == 0)
		return 2;
	if (n == 1)
		return 1;
	return n < len && memcmp(hidden, path, n) == 0 && hidden[n] == '/';
}

/* The same for all that is not read. */
static int
relation_any(const struct rules *r, const char *path, enum rules_kind kind)
{
	const char *x;
	size_t i, len;
	int rel, max = 0;

	for (i = 0; i < r->excludes->n && max < 2; i++) {
		x = r->excludes->v[i];
		if (!rules_literal(x))
			continue;
		len = strlen(x);
		if (x[len - 1] == '/')
			len--;
		rel = relation(x, len, path);
		/* "/a/" is about a folder. */
		if (rel == 2 && x[len] == '/' && kind != RULES_FOLDER)
			rel = 0;
		max = rel > max ? rel : max;
	}
	for (i = 0; rules_unreal[i] != NULL && max < 2; i++) {
		x = rules_unreal[i];
		if (!strv_has(r->roots, "/") || strv_has(r->roots, x))
			continue;
		rel = relation(x, strlen(x), path);
		max = rel > max ? rel : max;
	}
	return max;
}

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory, or too many grants: fewer "
	    "excludes in folders with many entries would help");
}

static int
look(void *ctx, const char *name, enum rules_kind kind, struct err *e)
{
	struct level *l = ctx;
	char path[PLAIN_MAX + 1];
	struct strv *to;
	int n, rel;

	if (kind == RULES_OTHER)
		return 0;
	n = snprintf(path, sizeof(path), "%s/%s",
	    l->path[1] == '\0' ? "" : l->path, name);
	/* Too long to be opened by its path, by rsync as well. */
	if (n < 0 || (size_t)n >= sizeof(path))
		return 0;
	rel = relation_any(l->r, path, kind);
	if (rel == 2)
		return 0;
	to = rel == 1 && kind == RULES_FOLDER ? l->deeper : &l->g->files;
	return strv_add(to, path) == -1 ? no_mem(e) : 0;
}

/* What may be read of a root, in place of which its parts may. */
static int
grant_root(const struct rules *r, const char *root, rules_list_fn *list,
    void *arg, struct rules_grants *g, struct err *e)
{
	struct strv deeper = { 0 };
	struct level l = { r, g, NULL, &deeper };
	size_t at;
	int rc = -1;

	/* It may be a file; then nothing can be below it. */
	if (relation_any(r, root, RULES_FOLDER) == 0)
		return strv_add(&g->files, root) == -1 ? no_mem(e) : 0;
	if (strv_add(&deeper, root) == -1)
		return no_mem(e);
	for (at = 0; at < deeper.n; at++) {
		l.path = deeper.v[at];
		if (list(arg, l.path, look, &l, e) == -1)
			goto out;
	}
	rc = 0;
out:
	strv_clear(&deeper);
	return rc;
}

int
rules_grants(const struct rules *r, rules_list_fn *list, void *arg,
    struct rules_grants *ret, struct err *e)
{
	struct rules_grants g = { { 0 }, { 0 } };
	size_t i;

	if (rules_check(r, e) == -1)
		return -1;
	for (i = 0; i < r->roots->n; i++)
		if (grant_root(r, r->roots->v[i], list, arg, &g, e) == -1)
			goto fail;
	if (strv_add(&g.folders, "/") == -1) {
		no_mem(e);
		goto fail;
	}
	*ret = g;
	return 0;
fail:
	rules_grants_clear(&g);
	return -1;
}
