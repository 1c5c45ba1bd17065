/* SPDX-License-Identifier: ISC */
/*
 * keyroll: what the gateway's store has, and the way back to an older
 * generation. The way back is for the time until the git server's keydir is
 * right: its next push is taken as ever, and its timer makes one every few
 * minutes.
 */
#ifndef GIT_KEYROLL_H
#define GIT_KEYROLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keylist.h"
#include "keystore.h"

/* All borrowed. */
struct keyroll_conf {
	const char *keys;	/* the store */
	const char *base;	/* as in keyupdate.h */
	const char *sessions;
	bool revoke_end;
	unsigned lock_ms;
	bool dry_run;		/* chosen and read, no more: nothing changes */
};

/* What came of it. */
struct keyroll {
	uint64_t from, to;	/* generations; from 0: none was in force */
	size_t keys;		/* in the one that is in force now */
	size_t ended;		/* sessions; 0 in a dry run */
};

/* One key that a rollback brings back, or takes away. */
typedef void keyroll_fn(void *arg, bool comes, const struct keylist_key *k);

/*
 * keyroll_run(): puts generation gen in force; 0: the one before that in
 * force. It is read to its end first: a damaged one is refused. A root becomes
 * the store's owner (keystore_become()). on_key: NULL, or told, in a dry run,
 * of each key that would come or go.
 * Returns 0, or -1: ERR_REFUSED (there is no such one; those that are there
 * are named), ERR_CONFIG (damaged), ERR_BUSY, ERR_UNSAFE, ERR_SYS, ERR_MEM.
 */
int keyroll_run(const struct keyroll_conf *c, uint64_t gen,
	keyroll_fn *on_key, void *arg, struct keyroll *ret, struct err *e);

/* keyroll_differ(): what generation to (0: none) has and from has not, and the
 * reverse, in the order of the fingerprints. 0, or -1 as keystore_map(),
 * authgen_base(), ERR_MEM. */
int keyroll_differ(const struct keystore *ks, uint64_t from, uint64_t to,
	keyroll_fn *fn, void *arg, struct err *e);

/* keyroll_main(): does it and says so. Its result is the exit status. */
int keyroll_main(const struct keyroll_conf *c, uint64_t gen, bool json);

/* One generation, as a list shows it. */
struct keyroll_gen {
	uint64_t gen;
	size_t keys;		/* 0 when it is damaged */
	bool in_force, damaged;
};

/* keyroll_list(): all, oldest first, and the last push that was taken. *ret
 * owned (free()). 0, or -1 as keystore_open(), keystore_list(). */
int keyroll_list(const char *keys, struct keyroll_gen **ret, size_t *ret_n,
	struct keystore_note *ret_note, struct err *e);

#endif
