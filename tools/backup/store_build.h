/* SPDX-License-Identifier: ISC */
/*
 * store_build: a snapshot being made. begin makes .incoming, or takes up the
 * one that a broken run left; rsync fills it; finish makes it durable and
 * gives it its name. Who calls them holds the client's lock.
 *
 * Back ends: hardlink: .incoming is an empty folder and rsync links what did
 * not change from link_dest. btrfs: .incoming is a writable snapshot of the
 * newest one and rsync changes it in place (--inplace --no-whole-file); no
 * link_dest. btrfs is picked when the client's folder is on it and a
 * subvolume can be made there, or as c->want says; one that was begun goes on
 * as it was begun.
 *
 * Crash safety of finish, step by step; each may be the last that happens:
 * data synced, (btrfs) set read-only, recorded, renamed without replacing
 * anything, folder synced. Before the rename there is the old state, with an
 * .incoming that the next begin resumes; after it the new one. A record
 * without its snapshot is overwritten or swept (store_remove_sweep()).
 */
#ifndef POSTERN_STORE_BUILD_H
#define POSTERN_STORE_BUILD_H

#include <stdbool.h>

#include "base/err.h"
#include "store.h"
#include "store_list.h"

/* store_build_pick(): what a new .incoming of c would be. Makes and
 * removes a subvolume to know. */
enum store_backend store_build_pick(const struct store_client *c);

struct store_build {
	enum store_backend backend;
	bool resumed;			/* a broken run's .incoming goes on */
	bool listed;			/* new, and what changed since prev will
					 * be told: it is as it was made */
	/* What it is built upon; "" if none, or if another uid received it. */
	char prev[STORE_SNAP_MAX];
	/* rsync's --link-dest, from within .incoming; "" when there is none
	 * or the back end wants none. */
	char link_dest[STORE_SNAP_MAX + 3];
	dev_t dev;			/* which folder .incoming is */
	ino_t ino;
};

struct store_rec;

/*
 * store_build_begin(): 0 with *ret filled, or -1: ERR_UNSAFE (.incoming is a
 * link or not a folder), ERR_CONFIG (btrfs is wanted and can't be had),
 * ERR_SYS (ENOSPC among them), ERR_MEM. Nothing to release: a begun build
 * just stays.
 */
int store_build_begin(const struct store_client *c, struct store_build *ret,
	struct err *e);

/*
 * store_build_finish(): make of .incoming a snapshot named after the store's
 * clock. rec: what to record of it; its back end is set here. When
 * that second has a snapshot already, the next one is waited for; when the
 * clock was set back the snapshot has the earlier time.
 * 0 with its name in ret, or -1: ERR_SYS, ERR_UNSAFE (.incoming is not the
 * folder it was), ERR_BUSY (no free second in a minute), ERR_MEM; then
 * .incoming is still there. A failing fsync of the folder, last of all, says
 * that the snapshot was named: it is there, or resumed after a crash.
 */
int store_build_finish(const struct store_client *c,
	const struct store_build *b, struct store_rec *rec,
	char ret[STORE_SNAP_MAX], struct err *e);

#endif
