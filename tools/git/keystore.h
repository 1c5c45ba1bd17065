/* SPDX-License-Identifier: ISC */
/*
 * keystore: the gateway's folder of keys, where sshd reads them. All of it
 * belongs to the user whose logins these are, and to nobody else:
 *
 *	lock				one writer at a time
 *	generations/SEQ/authorized_keys	what one push made
 *	generations/SEQ/index		the same keys (authindex.h)
 *	generations/SEQ/principals	whose they are: who may come with a
 *					certificate (authgen_principals())
 *	current -> generations/SEQ	what sshd reads
 *	refreshed			the last push that was taken: note below
 *
 * A generation is written under another name, read back and parsed, synced,
 * renamed, and never changed again. Then the link is replaced by rename(2), so
 * that all files change in one step: whatever ends us at whatever system
 * call, current names a whole generation, the old one or the new one. What a
 * dead writer left (generations/.new, .current) the next one removes.
 *
 * No symbolic link is followed but current, and that only if it says
 * generations/NUMBER.
 *
 *	keystore_open → [keystore_lock → keystore_put → keystore_switch →
 *	keystore_note → keystore_prune] → keystore_close
 *
 * Source: rename(2), fsync(2), symlink(7); sshd(8) on AuthorizedKeysFile
 * (StrictModes looks at the resolved path).
 */
#ifndef GIT_KEYSTORE_H
#define GIT_KEYSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "authindex.h"
#include "base/buf.h"
#include "base/err.h"
#include "keylist.h"

struct keystore {
	char *path;		/* owned; for messages, and the note */
	int dir, gens;		/* -1: not open */
	int lock;		/* -1: not held */
};

/* What a zeroed struct with these fds is: nothing to close. */
#define KEYSTORE_INIT { .dir = -1, .gens = -1, .lock = -1 }

/* keystore_become(): a root that works on another user's folder becomes that
 * user, for good, so that what it makes there is theirs. No-op for others.
 * 0, or -1 ERR_SYS, ERR_UNSAFE (path is no folder). */
int keystore_become(const char *path, struct err *e);

/*
 * keystore_open(): the folder at path, which must be there; generations is
 * made where it is missing.
 * Returns 0 with *ret for keystore_close(), or -1: ERR_UNSAFE (a symbolic
 * link, another user's, writable for group or others), ERR_SYS, ERR_MEM.
 */
int keystore_open(const char *path, struct keystore *ret, struct err *e);
void keystore_close(struct keystore *ks);	/* legal on KEYSTORE_INIT */

/* keystore_lock(): until keystore_close(). 0, or -1 as lock_take(). */
int keystore_lock(struct keystore *ks, unsigned timeout_ms, struct err *e);

/* keystore_current(): the generation in force; 0: there is none. 0, or -1:
 * ERR_UNSAFE (current is no link of ours), ERR_SYS. */
int keystore_current(const struct keystore *ks, uint64_t *ret,
	struct err *e);

/* keystore_list(): all generations, oldest first. *ret owned (free()), NULL
 * with *ret_n 0. 0, or -1: ERR_SYS, ERR_MEM. */
int keystore_list(const struct keystore *ks, uint64_t **ret, size_t *ret_n,
	struct err *e);

/* A file of a generation, mapped. */
struct keystore_map {
	void *p;		/* NULL: there is none */
	size_t len;
};

/* keystore_map(): name ("index", "authorized_keys") of generation gen; _at():
 * of a folder in generations. 0 with *ret for keystore_unmap(), or -1:
 * ERR_SYS, ERR_UNSAFE (no regular file), ERR_CONFIG (it is empty). */
int keystore_map(const struct keystore *ks, uint64_t gen, const char *name,
	struct keystore_map *ret, struct err *e);
int keystore_map_at(const struct keystore *ks, const char *folder,
	const char *name, struct keystore_map *ret, struct err *e);
void keystore_unmap(struct keystore_map *m);

/* What a generation has; borrowed. */
struct keystore_files {
	const struct buf *text;		/* authgen_text() */
	const struct buf *index;	/* authindex_emit() */
	const struct buf *principals;	/* authgen_principals() */
};

/*
 * keystore_put(): generation gen, which must be new and is not in force yet.
 * files  for keys; what was written is read back and has to give them again.
 * Returns 0, or -1: ERR_SYS (ENOSPC, EIO, …), ERR_CONFIG (what was read back
 * is something else), ERR_MEM; then no part of it is left.
 */
int keystore_put(const struct keystore *ks, uint64_t gen,
	const struct keystore_files *files, const struct keylist *keys,
	struct err *e);

/* keystore_switch(): gen is in force from now on. 0, or -1: ERR_SYS,
 * ERR_UNSAFE (current is no link of ours); then the old one is, but after a
 * failing fsync of the folder, where the message says so. */
int keystore_switch(const struct keystore *ks, uint64_t gen, struct err *e);

/* keystore_drop(): removes generation gen, which is not in force. 0, or -1
 * ERR_SYS. */
int keystore_drop(const struct keystore *ks, uint64_t gen, struct err *e);

/* keystore_prune(): removes all generations but the last keep ones (at least
 * 1) and the one in force. 0, or -1 ERR_SYS, ERR_MEM: some may be left. */
int keystore_prune(const struct keystore *ks, size_t keep, struct err *e);

/* The last push that was taken, also when it changed nothing. */
struct keystore_note {
	uint64_t sequence;
	uint64_t time_s;	/* seconds since 1970 */
	uint64_t keys, skipped;
};

/* keystore_note(), keystore_noted(): write and read it. Reading: all 0 when
 * there is none, or it can't be read. 0, or -1 as file_write(). */
int keystore_note(const struct keystore *ks, const struct keystore_note *n,
	struct err *e);
void keystore_noted(const struct keystore *ks, struct keystore_note *ret);

/* keystore_highest(): the highest sequence that was ever taken, as far as it
 * is known here: an older push is a copy of one. 0, or -1 as
 * keystore_list(). */
int keystore_highest(const struct keystore *ks, uint64_t *ret,
	struct err *e);

#endif
