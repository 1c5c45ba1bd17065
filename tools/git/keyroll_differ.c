/* SPDX-License-Identifier: ISC */
#include "keyroll.h"

#include <stdlib.h>
#include <string.h>

#include "authgen.h"

static int
read_keys(const struct keystore *ks, uint64_t gen, struct keylist *ret,
    struct err *e)
{
	struct keystore_map text = { 0 };
	int rc = 0;

	if (gen != 0 && (keystore_map(ks, gen, "authorized_keys", &text, e) ==
	    -1 || authgen_base("authorized_keys", text.p, text.len, ret,
	    e) == -1))
		rc = -1;
	keystore_unmap(&text);
	return rc;
}

/* A key that is another's from now on goes and comes. */
static int
order(const struct keylist_key *a, const struct keylist_key *b)
{
	int d = memcmp(a->fp, b->fp, KEYLINE_FP);

	return d != 0 ? d : strcmp(a->id, b->id);
}

static void
walk(const struct keylist *from, const struct keylist_key **a,
    const struct keylist *to, const struct keylist_key **b, keyroll_fn *fn,
    void *arg)
{
	size_t i = 0, k = 0;
	int d;

	while (i < from->n || k < to->n) {
		d = i == from->n ? 1 : k == to->n ? -1 : order(a[i], b[k]);
		if (d != 0)
			fn(arg, d > 0, d > 0 ? b[k] : a[i]);
		i += d <= 0;
		k += d >= 0;
	}
}

int
keyroll_differ(const struct keystore *ks, uint64_t from, uint64_t to,
    keyroll_fn *fn, void *arg, struct err *e)
{
	const struct keylist_key **a = NULL, **b = NULL;
	struct keylist had = { 0 }, has = { 0 };
	int rc = -1;

	if (read_keys(ks, from, &had, e) == -1 ||
	    read_keys(ks, to, &has, e) == -1)
		goto out;
	a = keylist_sorted(&had);
	b = keylist_sorted(&has);
	if (a == NULL || b == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	walk(&had, a, &has, b, fn, arg);
	rc = 0;
out:
	free(a);
	free(b);
	keylist_clear(&had);
	keylist_clear(&has);
	return rc;
}
