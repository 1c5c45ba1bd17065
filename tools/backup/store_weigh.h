/* SPDX-License-Identifier: ISC */
/*
 * store_weigh: what a snapshot that is being made takes on the disk, whatever
 * its sender says. By what the file system tells: the blocks of each file and
 * folder, but for files that are the same as in the snapshot that it is built
 * upon; on btrfs, of one that was changed in place, what it shares with no
 * other. A file with several names counts once, shared among them.
 *
 * Of the folders that are yet to come, only the names in those on the way to
 * where it is are held, a part of each at a time: some MiB, however many there
 * are.
 */
#ifndef POSTERN_STORE_WEIGH_H
#define POSTERN_STORE_WEIGH_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "store.h"

struct store_weight {
	uint64_t bytes;		/* that it takes on the disk, on top of prev */
	uint64_t inodes;	/* likewise */
	uint64_t all_bytes;	/* of all that is in it */
	uint64_t names;		/* likewise, its own folder too */
};

/*
 * store_weigh(): .incoming of c, built upon prev ("", or one that
 * is gone: nothing). What vanishes meanwhile is passed over, so that it may be
 * called while rsync works.
 * stop      looked at now and then; true: give up. May be NULL.
 * ret       on giving up what was counted so far.
 * Returns 0, or -1: ERR_SYS, ERR_MEM, ERR_REFUSED (a path that no rsync
 * makes: longer than 16 KiB).
 */
int store_weigh(const struct store_client *c, const char *prev,
	const atomic_bool *stop, struct store_weight *ret, struct err *e);

/* store_weigh_left(): what a run has left that is under way, or that nobody
 * has gone on with; on top of what it was begun upon. 1 with *ret filled, 0 when
 * there is nothing, or -1 as store_weigh(). */
int store_weigh_left(const struct store_client *c, struct store_weight *ret,
	struct err *e);

#endif
