/* SPDX-License-Identifier: ISC */
/*
 * keyrules: whether the gateway takes a list of keys in place of the one that
 * it has. Pure.
 */
#ifndef GIT_KEYRULES_H
#define GIT_KEYRULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "keylist.h"

/* So many keys may go whatever share of all that is: on a small site it is one
 * person who leaves. */
#define KEYRULES_FEW	10

struct keyrules {
	uint64_t last_sequence;	/* of the list in force; 0: there is none */
	size_t last_count;	/* keys in it */
	size_t min_count;	/* fewer keys are a mistake */
	unsigned max_drop_pct;	/* 0 to 100: so many of last_count may go, if
				 * they are more than KEYRULES_FEW */
	bool force;		/* min_count and max_drop_pct don't hold now */
};

/*
 * keyrules_check(): a list of count keys (good ones, no duplicates) with that
 * sequence. The sequence has to rise whatever force says: an old push is
 * somebody's copy of one, and rolling back is done on the gateway.
 * Returns 0, or -1 ERR_REFUSED with what to do about it.
 */
int keyrules_check(const struct keyrules *r, uint64_t sequence, size_t count,
	struct err *e);

/* A key that goes: it is first's already (first may be one of reserved). */
typedef void keyrules_dup_fn(void *arg, const struct keylist_key *key,
	const struct keylist_key *first);

/*
 * keyrules_unique(): leaves each key once in l, for whom it was added first:
 * fed in the order of keydir's sorted paths (bytes, as LC_ALL=C sort), that is
 * gitolite's and sshd's own choice.
 * reserved  borrowed, NULL: none; keys that no id may have: those of the
 *           administrator's own lines, the push key among them.
 * on_dup    NULL: nobody is told.
 * Returns 0, or -1 ERR_MEM; then l is as it was.
 */
int keyrules_unique(struct keylist *l, const struct keylist *reserved,
	keyrules_dup_fn *on_dup, void *arg, struct err *e);

#endif
