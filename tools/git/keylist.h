/* SPDX-License-Identifier: ISC */
/*
 * keylist: keys and whose they are, in the order in which they were added:
 * what a keydir, a key push and an authorized_keys file have in common. A
 * zeroed struct is an empty list. Pure.
 */
#ifndef GIT_KEYLIST_H
#define GIT_KEYLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "keyline.h"

#define KEYLIST_MAX 200000	/* keys */

struct keylist_key {
	const char *id, *type, *blob;	/* NUL at each end; in one block */
	const char *where;		/* "a.pub", "line 7": for people */
	unsigned char fp[KEYLINE_FP];
};

struct keylist {
	struct keylist_key *v;		/* owned, and the blocks of each */
	size_t n, cap;
};

/* keylist_add(): copies all. id is not looked at (a line of an administrator
 * has none: ""). 0, or -1: ERR_REFUSED (KEYLIST_MAX is reached), ERR_MEM. */
int keylist_add(struct keylist *l, const char *id, const struct keyline *k,
	const char *where, struct err *e);

/* keylist_drop(): takes out the keys i with drop[i] set; the rest keep their
 * order. */
void keylist_drop(struct keylist *l, const bool *drop);

/* keylist_sorted(): pointers to l's keys in the order of their fingerprints,
 * of equal ones the one that was added first. Returns owned (free()), valid as
 * long as l is not changed; NULL: out of memory. */
const struct keylist_key **keylist_sorted(const struct keylist *l);

/* keylist_clear(): legal on a zeroed struct. */
void keylist_clear(struct keylist *l);

#endif
