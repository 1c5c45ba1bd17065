/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "manifest.h"

static const char *
key(const struct manifest_entry *x)
{
	return x->key != NULL ? x->key : x->path;
}

/* The next entry at or after *i that takes part, or NULL. */
static const struct manifest_entry *
next(const struct manifest *m, const struct manifest_rules *r, int side,
	size_t *i)
{
	for (; *i < m->n; (*i)++)
		if (r->belongs == NULL ||
		    r->belongs(r->arg, side, m->v[*i].path))
			return &m->v[*i];
	return NULL;
}

static unsigned
content(const struct manifest_entry *a, const struct manifest_entry *b)
{
	const char *ta = a->target != NULL ? a->target : "";
	const char *tb = b->target != NULL ? b->target : "";

	switch (a->type) {
	case 'f':
		if (!a->hashed || !b->hashed)
			return MANIFEST_UNREAD;
		return a->size != b->size || memcmp(a->sha256, b->sha256,
		    sizeof(a->sha256)) != 0 ? MANIFEST_CONTENT : 0;
	case 'l':
		return strcmp(ta, tb) != 0 ? MANIFEST_TARGET : 0;
	case 'b':
	case 'c':
		return strcmp(ta, tb) != 0 ? MANIFEST_CONTENT : 0;
	default:
		return 0;
	}
}

static unsigned
compare(const struct manifest_entry *a, const struct manifest_entry *b,
	const struct manifest_rules *r)
{
	unsigned what = 0;

	if ((a->uid != b->uid && !r->ignore_uid) ||
	    (a->gid != b->gid && !r->ignore_gid))
		what |= MANIFEST_OWNER;
	if (a->type != b->type)
		return what | MANIFEST_TYPE;
	/* chmod can't reach a symlink: csync2 does not carry its mode. */
	if (a->mode != b->mode && a->type != 'l' && !r->ignore_mod)
		what |= MANIFEST_MODE;
	return what | content(a, b);
}

int
manifest_diff(const struct manifest *here, const struct manifest *there,
	const struct manifest_rules *rules,
	int (*found)(void *arg, const struct manifest_delta *d), void *arg)
{
	const struct manifest_entry *a, *b;
	struct manifest_delta d;
	size_t i = 0, j = 0;
	int order, rc;

	for (;;) {
		a = next(here, rules, 0, &i);
		b = next(there, rules, 1, &j);
		if (a == NULL && b == NULL)
			return 0;
		order = a == NULL ? 1 : b == NULL ? -1 :
		    strcmp(key(a), key(b));
		d = (struct manifest_delta){ .here = order <= 0 ? a : NULL,
			.there = order >= 0 ? b : NULL };
		if (order < 0)
			d.kind = MANIFEST_MISSING;
		else if (order > 0)
			d.kind = MANIFEST_EXTRA;
		else {
			d.kind = MANIFEST_DIFFERENT;
			d.what = compare(a, b, rules);
		}
		if ((order != 0 || d.what != 0) && (rc = found(arg, &d)) != 0)
			return rc;
		if (order <= 0)
			i++;
		if (order >= 0)
			j++;
	}
}

int
manifest_what(unsigned what, struct buf *out)
{
	static const char *const words[] = { "content", "type", "mode",
		"owner", "link target", "not readable" };
	size_t i, start = out->len;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((what & 1u << i) != 0 && buf_addf(out, "%s%s",
		    out->len > start ? ", " : "", words[i]) == -1)
			return -1;
	return 0;
}
