/* SPDX-License-Identifier: ISC */
/*
 * store_space: which snapshots go before a run, so that it has room. A pure
 * decision: tables in, a list out. The rules:
 *
 *   - The free space must be at least max(average snapshot of the client,
 *     min_free), and what the client uses plus an average snapshot at most its
 *     quota; of inodes as well, where there is a number of them. The average
 *     is of what each took, without the oldest: that was the whole once, and
 *     the next one won't be.
 *   - The free inodes must be at least what such a snapshot takes of them,
 *     reckoned likewise, and those that no run takes. Where the file system
 *     makes them as they are needed there is no such rule.
 *   - Otherwise what broken runs of other clients have left goes first, when
 *     those have been silent since for long: nobody will go on with it. Then
 *     the client's own oldest snapshots; and when that is not enough, what its
 *     own broken run has left, which this one would go on with: it begins anew
 *     then, which is better than never.
 *   - Only by the owner's setting, and after the client's own, snapshots of
 *     other clients: the oldest of each in turn.
 *   - Of no series (job) of a client fewer than its min_keep are left by
 *     that. A pinned or a held snapshot never goes, nor one of the future: it
 *     was made before the clock was set back.
 *   - Nothing goes in vain: when all that may go could not be enough, which
 *     an upper bound tells, there is no step.
 *
 * What a snapshot takes can only be told when it is gone: by hard links or
 * shared extents others may hold the same data. What a client uses is
 * therefore reckoned from the records: all of the oldest snapshot, plus what
 * each later one added, but no less than the largest. So the list is in
 * order, and who carries it out looks at the free space after each.
 */
#ifndef POSTERN_STORE_SPACE_H
#define POSTERN_STORE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* One snapshot as recorded; without a record, zeros. */
struct store_space_snap {
	const char *name;	/* borrowed */
	uint64_t bytes;		/* all that is in it */
	uint64_t added;		/* what it took on the disk when it was made */
	uint64_t inodes;	/* likewise */
	bool keep;		/* pinned, or held by a reader */
	bool future;
	uint64_t files;		/* names in it; 0: nobody counted */
	const char *series;	/* borrowed; NULL is one, too */
};

/* The snapshots of a client, the oldest first. */
struct store_space_client {
	const char *name;			/* borrowed */
	const struct store_space_snap *snaps;	/* borrowed */
	size_t n;
	bool left;		/* there is an .incoming, which may go: it is
				 * the own one, or an abandoned one */
	size_t min_keep;	/* of each series */
	uint64_t left_bytes, left_inodes;	/* that it takes */
};

/* What there is now. */
struct store_space_room {
	uint64_t bytes;		/* free for us */
	uint64_t inodes;	/* likewise; UINT64_MAX: there is no number */
	uint64_t spare;		/* inodes that no run takes: 2 % of all */
	/* In the whole file system; 0: there is no number. */
	uint64_t all_bytes, all_inodes;
};

struct store_space_rules {
	uint64_t min_free;	/* bytes */
	uint64_t quota;		/* bytes; 0: none */
	bool across;		/* other clients' may go, too */
};

#define STORE_SPACE_LEFT SIZE_MAX	/* a step's snap: .incoming */

struct store_space_step {
	size_t client, snap;	/* places in the tables */
	/*
	 * Whether it goes in any case, for the quota's sake; else only while
	 * there is not enough (store_space_enough()).
	 */
	bool quota;
};

struct store_space_plan {
	struct store_space_step *steps;	/* owned */
	size_t n;
	uint64_t need;		/* bytes that must be free */
	uint64_t need_inodes;	/* 0: there is no number of them */
	uint64_t average;	/* bytes of a snapshot of the client */
	uint64_t used;		/* bytes that the client uses before */
	uint64_t used_after;	/* when the steps for the quota are done */
	uint64_t average_inodes, used_inodes;	/* likewise */
	/* Even without all that may go it would be over its quota: no run,
	 * and no step, since deleting would be in vain. */
	bool over_quota;
	bool in_vain;		/* no step: not enough can come of it */
};

/*
 * store_space_plan(): own: which of the clients (n of them) wants to run.
 * Steps that are not for the quota's sake are there only when there is not
 * enough. 0 with *ret filled (store_space_clear()), or -1 ERR_MEM.
 */
int store_space_plan(const struct store_space_client *clients, size_t n,
	size_t own, const struct store_space_rules *rules,
	const struct store_space_room *room, struct store_space_plan *ret,
	struct err *e);
void store_space_clear(struct store_space_plan *p);

/* store_space_enough(): whether a run may begin with that. */
bool store_space_enough(const struct store_space_plan *p,
	const struct store_space_room *room);

/* store_space_used(): what a client uses, as above, without the snapshots
 * whose place in gone (n of them, or NULL) is true.
 * store_space_used_inodes(): likewise. */
uint64_t store_space_used(const struct store_space_client *c,
	const bool *gone);
uint64_t store_space_used_inodes(const struct store_space_client *c,
	const bool *gone);

/*
 * store_space_quota_inodes(): of a quota of so many bytes: the same part of
 * all inodes as it is of all bytes, so that empty files are no way around it.
 * UINT64_MAX: no quota, or no number of inodes.
 */
uint64_t store_space_quota_inodes(uint64_t quota,
	const struct store_space_room *room);

#endif
