/* SPDX-License-Identifier: ISC */
/*
 * store_evict: room for a run, by removing snapshots as store_space.h
 * decides. What is free is looked at after each removal, so that no more go
 * than have to; on btrfs, which frees in the background, it is waited for.
 * An .incoming of another client goes when it is STORE_EVICT_LEFT_S old and
 * that client has not come since, and while nobody has its lock. Other clients
 * are looked at, and the store's lock is taken, only when the own client has
 * not enough.
 */
#ifndef POSTERN_STORE_EVICT_H
#define POSTERN_STORE_EVICT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"
#include "store.h"
#include "store_space.h"

#define STORE_EVICT_LEFT_S (7 * 86400)

/* store_evict_free(): the bytes that are free for us where fd is. 0, or -1
 * ERR_SYS. */
int store_evict_free(int fd, const char *path, uint64_t *ret,
	struct err *e);

/* store_evict_room(): the same, and inodes. */
int store_evict_room(int fd, const char *path, struct store_space_room *ret,
	struct err *e);

/* store_evict_crowded(): whether fewer than 2 % of the inodes where fd is are
 * left; never where the file system makes them as they are needed. */
bool store_evict_crowded(int fd);

struct store_evict_rules {
	uint64_t min_free;	/* bytes */
	uint64_t quota;		/* bytes; 0: none */
	size_t min_keep;	/* snapshots of each of c's jobs that stay */
	bool across;		/* other clients' may go, too */
	/* With across: what min_keep is for the client called name. */
	size_t (*min_keep_of)(void *arg, const char *name);
	void *arg;
};

/*
 * store_evict(): make room for a run of c, whose lock the caller holds. With
 * rules->across other clients' snapshots may go, but for those of clients
 * that are busy.
 * removed  gets the names of what went, also on failure; borrowed. What a run
 *	has left is CLIENT/.incoming there.
 * Returns 0, or -1: ERR_REFUSED (over the quota; too little is free and
 * nothing more may go), ERR_BUSY (another run works on the space), or why a
 * snapshot could not be removed.
 */
int store_evict(const struct store_client *c,
	const struct store_evict_rules *rules, struct strv *removed,
	struct err *e);

/* store_evict_used(): what c uses as recorded, of bytes and inodes. 0, or -1:
 * ERR_SYS, ERR_MEM. */
int store_evict_used(const struct store_client *c, uint64_t *ret_bytes,
	uint64_t *ret_inodes, struct err *e);

#endif
