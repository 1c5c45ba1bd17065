/* SPDX-License-Identifier: ISC */
#include "keylist.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* s (n bytes) and a NUL to *at, which is moved on. */
static const char *
put(char **at, const char *s, size_t n)
{
	char *p = *at;

	memcpy(p, s, n);
	p[n] = '\0';
	*at = p + n + 1;
	return p;
}

static int
grow(struct keylist *l, struct err *e)
{
	size_t cap = l->cap > 0 ? 2 * l->cap : 64;
	struct keylist_key *v;

	if (l->n == KEYLIST_MAX)
		return err_set(e, ERR_REFUSED, "more than %d keys",
		    KEYLIST_MAX);
	if (l->n < l->cap)
		return 0;
	v = reallocarray(l->v, cap, sizeof(*v));
	if (v == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	l->v = v;
	l->cap = cap;
	return 0;
}

int
keylist_add(struct keylist *l, const char *id, const struct keyline *k,
    const char *where, struct err *e)
{
	const struct authkeys_line *a = &k->line;
	struct keylist_key key;
	char *at;

	if (grow(l, e) == -1)
		return -1;
	/* The id first: its address is the block's. */
	at = malloc(strlen(id) + a->type.len + a->key.len + strlen(where) + 4);
	if (at == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	key.id = put(&at, id, strlen(id));
	key.type = put(&at, a->type.p, a->type.len);
	key.blob = put(&at, a->key.p, a->key.len);
	key.where = put(&at, where, strlen(where));
	memcpy(key.fp, k->fp, sizeof(key.fp));
	l->v[l->n++] = key;
	return 0;
}

static void
free_key(struct keylist_key *k)
{
	free((char *)(uintptr_t)k->id);
}

void
keylist_drop(struct keylist *l, const bool *drop)
{
	size_t i, n = 0;

	for (i = 0; i < l->n; i++) {
		if (drop[i])
			free_key(&l->v[i]);
		else
			l->v[n++] = l->v[i];
	}
	l->n = n;
}

/* Of equal keys the first one added comes first: they lie in one array. */
static int
by_fp(const void *a, const void *b)
{
	const struct keylist_key *x = *(const struct keylist_key *const *)a;
	const struct keylist_key *y = *(const struct keylist_key *const *)b;
	int c = memcmp(x->fp, y->fp, sizeof(x->fp));

	return c != 0 ? c : (x > y) - (x < y);
}

const struct keylist_key **
keylist_sorted(const struct keylist *l)
{
	const struct keylist_key **v;
	size_t i;

	v = calloc(l->n > 0 ? l->n : 1, sizeof(const struct keylist_key *));
	if (v == NULL)
		return NULL;
	for (i = 0; i < l->n; i++)
		v[i] = &l->v[i];
	qsort(v, l->n, sizeof(v[0]), by_fp);
	return v;
}

void
keylist_clear(struct keylist *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free_key(&l->v[i]);
	free(l->v);
	*l = (struct keylist){ 0 };
}
