/* SPDX-License-Identifier: ISC */
#include "expand.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* One folder whose entries are looked at. */
struct level {
	const struct expand *x;
	const struct expand_calls *calls;
	const char *path;
	struct strv *deeper;	/* folders of it that hold something hidden */
};

enum relation { APART, HOLDS, HIDDEN };

void
expand_clear(struct expand *x)
{
	strv_clear(&x->roots);
	strv_clear(&x->hidden);
	strv_clear(&x->folders);
}

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory, or too many roots or "
	    "excludes");
}

int
expand_add(struct expand *x, char letter, const char *path, struct err *e)
{
	struct strv *to = letter == 'r' ? &x->roots : letter == 'x' ?
	    &x->hidden : &x->folders;

	return strv_add(to, path) == 0 ? 0 : no_mem(e);
}

/* How path stands to one thing that is hidden. */
static enum relation
relation(const char *hidden, const char *path)
{
	size_t n = strlen(path);

	if (strcmp(hidden, path) == 0)
		return HIDDEN;
	if (n == 1)
		return HOLDS;
	return strncmp(hidden, path, n) == 0 && hidden[n] == '/' ? HOLDS :
	    APART;
}

/* The same for all that is. */
static enum relation
relation_any(const struct expand *x, const char *path, enum expand_kind kind)
{
	enum relation rel, max = APART;
	size_t i;

	for (i = 0; i < x->hidden.n && max < HIDDEN; i++) {
		rel = relation(x->hidden.v[i], path);
		max = rel > max ? rel : max;
	}
	for (i = 0; i < x->folders.n && max < HIDDEN; i++) {
		rel = relation(x->folders.v[i], path);
		if (rel == HIDDEN && kind != EXPAND_FOLDER)
			rel = APART;
		max = rel > max ? rel : max;
	}
	return max;
}

/* An expand_entry_fn. */
static int
look(void *ctx, const char *name, enum expand_kind kind, struct err *e)
{
	struct level *l = ctx;
	char path[PATH_MAX];
	enum relation rel;
	int n;

	if (kind == EXPAND_OTHER)
		return 0;
	n = snprintf(path, sizeof(path), "%s/%s",
	    l->path[1] == '\0' ? "" : l->path, name);
	/* Too long to be opened by its path, by rsync as well. */
	if (n < 0 || (size_t)n >= sizeof(path))
		return 0;
	rel = relation_any(l->x, path, kind);
	if (rel == HIDDEN)
		return 0;
	if (rel == HOLDS && kind == EXPAND_FOLDER)
		return strv_add(l->deeper, path) == 0 ? 0 : no_mem(e);
	return l->calls->grant(l->calls->arg, path, e);
}

static int
expand_root(const struct expand *x, const char *root,
    const struct expand_calls *calls, struct err *e)
{
	/* It may be a file; then nothing can be below it. */
	enum relation rel = relation_any(x, root, EXPAND_FOLDER);
	struct strv deeper = { 0 };
	struct level l = { x, calls, NULL, &deeper };
	size_t at;
	int rc;

	if (rel == HIDDEN)
		return 0;
	if (rel == APART)
		return calls->grant(calls->arg, root, e);
	rc = strv_add(&deeper, root) == 0 ? 0 : no_mem(e);
	for (at = 0; rc == 0 && at < deeper.n; at++) {
		l.path = deeper.v[at];
		rc = calls->list(calls->arg, l.path, look, &l, e);
	}
	strv_clear(&deeper);
	return rc;
}

int
expand_run(const struct expand *x, const struct expand_calls *calls,
    struct err *e)
{
	size_t i;

	for (i = 0; i < x->roots.n; i++)
		if (expand_root(x, x->roots.v[i], calls, e) == -1)
			return -1;
	return 0;
}
