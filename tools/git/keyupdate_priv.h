/* SPDX-License-Identifier: ISC */
/*
 * What keyupdate*.c share: one update under way, and what it does with the
 * generations of the store. The store is open and locked.
 */
#ifndef GIT_KEYUPDATE_PRIV_H
#define GIT_KEYUPDATE_PRIV_H

#include "keystore.h"
#include "keyupdate.h"

struct update {
	const struct keyupdate_conf *conf;
	struct keypush_head head;
	struct keylist keys, base;
	struct buf text, index, principals;
	size_t skipped;
	bool force;
	struct keystore store;
	uint64_t highest;		/* sequence that was taken before */
	uint64_t before;		/* generation in force when we came */
	bool checked;			/* it has a check's key in it */
	bool check;			/* and this push has one */
	struct keyreply reply;
};

/* keyupdate_has(): whether the generation in force has these keys; sets
 * u->check and u->checked. *ret_count: how many people's keys it has. */
bool keyupdate_has(struct update *u, size_t *ret_count);

/* keyupdate_rolled_back(): whether a generation is there that is newer than
 * the one in force. Keys that came after that are a generation of their own,
 * whatever they are: then the newest is in force again. */
bool keyupdate_rolled_back(const struct update *u);

/* keyupdate_put(): the keys of this push, in force. 0, or -1 as keystore_put(),
 * keystore_switch(). */
int keyupdate_put(const struct update *u, struct err *e);

/* keyupdate_tidy(): removes generations that are too old, or a check's, once
 * the sequence is noted. 0, or -1 as keystore_prune(). */
int keyupdate_tidy(const struct update *u, struct err *e);

#endif
