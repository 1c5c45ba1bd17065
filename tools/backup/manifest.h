/* SPDX-License-Identifier: ISC */
/*
 * manifest: records a finished tree in the catalogue. To be called when the
 * tree is whole and synced (what is still to be written can't be given back
 * to the kernel), before or after it gets its final name; for snapshots that
 * have none (catalog_snap() is NULL) at any later time, in any order, oldest
 * first being the fastest.
 *
 * What is sure to be the same file as in the snapshot before is neither read
 * nor written: walk_same(). All else is read once, however many names it has.
 * It is one transaction: a manifest that was broken off is not there.
 */
#ifndef POSTERN_MANIFEST_H
#define POSTERN_MANIFEST_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "catalog.h"

struct changes;

#define MANIFEST_THREADS 2	/* measured: see bench/backup_catalog.c */

struct manifest_stats {
	uint64_t files;		/* names in the snapshot, folders too */
	uint64_t bytes;		/* of the content of each */
	uint64_t hashed;	/* files that were read */
	uint64_t hashed_bytes;
	uint64_t rows;		/* new in the catalogue */
	uint64_t unreadable;	/* recorded without a hash */
};

struct manifest_opts {
	const char *name;	/* the snapshot's final name */
	int root;		/* fd of its tree */
	int client;		/* fd of the folder that has the other
				   snapshots, for the one before; -1: read all */
	/* What is other than in the snapshot since, of which nothing else need
	 * be looked at; or both NULL. Of use when that is the one before. */
	const char *since;
	const struct changes *changes;
	int64_t now;		/* unix time */
	unsigned threads;	/* MANIFEST_THREADS; 0: none but the caller's */
	/* Once true, it is given up soon: ERR_REFUSED. May be NULL. */
	const atomic_bool *stop;
	/* problem: a file could not be read, or its attributes make no sense;
	 * path and why are raw bytes, not escaped. May be NULL. */
	void (*problem)(void *arg, const char *path, const char *why);
	/* progress: after each folder; -1 with *e filled gives up. May be
	 * NULL. */
	int (*progress)(void *arg, const struct manifest_stats *sofar,
		struct err *e);
	void *arg;
};

/*
 * manifest_make(): 0 with *ret filled, or -1: as progress said, ERR_CONFIG
 * (not a snapshot's name; it has a manifest; see catalog_open()), ERR_SYS,
 * ERR_MEM, ERR_BUSY. The catalogue is then as it was.
 */
int manifest_make(struct catalog *c, const struct manifest_opts *o,
	struct manifest_stats *ret, struct err *e);

#endif
