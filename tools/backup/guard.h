/* SPDX-License-Identifier: ISC */
/*
 * guard: what a run may take of the store, watched while it is under way. The
 * figures come from the file system alone: a sender may lie about sizes.
 *
 * A few times a second: the free space, against min_free, and the inodes, of
 * which 2 % are for others: an empty file takes no byte. Each time the file
 * system has lost more than the client may still take, of bytes or inodes,
 * .incoming is weighed
 * (store_weigh.h) in a thread, since others may have taken it.
 *
 *	guard_start → on_full at most once → guard_free
 */
#ifndef BACKUP_GUARD_H
#define BACKUP_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "proc/loop.h"
#include "store.h"
#include "store_weigh.h"

struct guard_spec {
	const struct store_client *client;	/* borrowed */
	const char *prev;	/* borrowed; as for store_weigh() */
	uint64_t min_free;	/* bytes */
	uint64_t room;		/* bytes that .incoming may take */
	uint64_t room_inodes;	/* likewise; UINT64_MAX: any number */
	bool resumed;
	struct store_weight base;	/* what it has taken already */
};

/* What the sender says of a snapshot, and of the one that it is built upon
 * what is recorded. */
struct guard_claim {
	uint64_t added, bytes, files, prev_bytes, prev_files;
};

struct guard;

/* guard_start(): on_full: the run must end, e says why (ERR_REFUSED, or that
 * it can't be known: ERR_SYS, ERR_MEM). Returns owned, or NULL: ERR_SYS,
 * ERR_MEM. */
struct guard *guard_start(struct loop *l, const struct guard_spec *spec,
	void (*on_full)(void *arg, const struct err *e), void *arg,
	struct err *e);
/* guard_free(): NULL is legal, on_full too. */
void guard_free(struct guard *g);

/*
 * guard_stop(): nothing is watched any more, on_full won't come. What follows
 * may be asked of it until guard_free(), from another thread too.
 */
void guard_stop(struct guard *g);
/* guard_limits(): whether there is any limit of bytes. */
bool guard_limits(const struct guard *g);
/* guard_low(): whether there is less than min_free, *e: ERR_REFUSED; or it
 * can't be known: ERR_SYS. */
bool guard_low(const struct guard *g, struct err *e);

/* guard_over_inodes(): -1 with *e: ERR_REFUSED, w is more inodes than room. */
int guard_over_inodes(const struct store_client *c,
	const struct store_weight *w, uint64_t room, struct err *e);

/* guard_crowded(): whether the inodes are used up, of which a run may not have
 * learned in time: *e says so. */
bool guard_crowded(const struct guard *g, struct err *e);

/*
 * guard_doubt(): whether c may be far from what is there: more than the file
 * system has lost, or less, or more than there was room for. Then it has to be
 * weighed in the end. Else *ret_inodes is what it took of inodes. A run of few
 * changes is not in doubt: to weigh it would take longer than itself.
 */
bool guard_doubt(const struct guard *g, const struct guard_claim *c,
	uint64_t *ret_inodes);

#endif
