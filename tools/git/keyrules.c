/* SPDX-License-Identifier: ISC */
#include "keyrules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int
keyrules_check(const struct keyrules *r, uint64_t sequence, size_t count,
    struct err *e)
{
	size_t gone = count < r->last_count ? r->last_count - count : 0;
	unsigned pct = r->max_drop_pct < 100 ? r->max_drop_pct : 100;

	if (sequence <= r->last_sequence)
		return err_set(e, ERR_REFUSED, "these keys are older than "
		    "those in force (sequence %" PRIu64 ", and %" PRIu64
		    " is in force): push anew from the git server",
		    sequence, r->last_sequence);
	if (r->force)
		return 0;
	if (count < r->min_count)
		return err_set(e, ERR_REFUSED, "only %zu keys, and there must "
		    "be at least %zu: if this is meant, push with --force",
		    count, r->min_count);
	/* In hundredths of a key, so that nothing is rounded; counts are at
	 * most KEYLIST_MAX. */
	if (gone > KEYRULES_FEW &&
	    (uint64_t)gone * 100 > (uint64_t)r->last_count * pct)
		return err_set(e, ERR_REFUSED, "%zu of %zu keys would go, "
		    "more than %u %% at once: if this is meant, push with "
		    "--force", gone, r->last_count, pct);
	return 0;
}

static int
by_fp(const void *fp, const void *entry)
{
	const struct keylist_key *k = *(const struct keylist_key *const *)
	    entry;

	return memcmp(fp, k->fp, sizeof(k->fp));
}

/* A key of reserved (sorted, n of them) that is k's; NULL: none. */
static const struct keylist_key *
among(const struct keylist_key **sorted, size_t n,
    const struct keylist_key *k)
{
	const struct keylist_key **at;

	at = bsearch(k->fp, sorted, n, sizeof(sorted[0]), by_fp);
	return at != NULL ? *at : NULL;
}

/*
 * owner[i] becomes the key that l's i-th gives way to, or stays NULL. One walk
 * along the sorted keys, in which equal ones lie side by side: whoever sends
 * one key ever so often doesn't make it slow.
 */
static void
find_owners(const struct keylist *l, const struct keylist_key **sorted,
    const struct keylist_key **kept, size_t nkept,
    const struct keylist_key **owner)
{
	const struct keylist_key *first = NULL, *k;
	size_t i;

	for (i = 0; i < l->n; i++) {
		k = sorted[i];
		if (first == NULL || memcmp(first->fp, k->fp, sizeof(k->fp))
		    != 0) {
			first = among(kept, nkept, k);
			if (first == NULL)
				first = k;
		}
		if (first != k)
			owner[k - l->v] = first;
	}
}

int
keyrules_unique(struct keylist *l, const struct keylist *reserved,
    keyrules_dup_fn *on_dup, void *arg, struct err *e)
{
	const struct keylist none = { 0 };
	const struct keylist *r = reserved != NULL ? reserved : &none;
	size_t i, n = l->n > 0 ? l->n : 1;
	const struct keylist_key **sorted = keylist_sorted(l);
	const struct keylist_key **kept = keylist_sorted(r);
	const struct keylist_key **owner = calloc(n, sizeof(owner[0]));
	bool *drop = calloc(n, sizeof(*drop));
	int rc = -1;

	if (sorted == NULL || kept == NULL || owner == NULL || drop == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	find_owners(l, sorted, kept, r->n, owner);
	for (i = 0; i < l->n; i++) {
		drop[i] = owner[i] != NULL;
		if (drop[i] && on_dup != NULL)
			on_dup(arg, &l->v[i], owner[i]);
	}
	keylist_drop(l, drop);
	rc = 0;
out:
	free(drop);
	free(owner);
	free(kept);
	free(sorted);
	return rc;
}
