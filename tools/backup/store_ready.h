/* SPDX-License-Identifier: ISC */
/*
 * store_ready: as store_fill.h, with btrfs: .incoming is a copy of the snapshot
 * before, so that what is gone is removed from it, and what changed has an
 * inode of its own, before rsync changes it in place. And what rsync left of a
 * file that it could not bring.
 *
 * Paths of the changes, and names that rsync tells, are opened beneath .incoming
 * with no link followed.
 */
#ifndef BACKUP_STORE_READY_H
#define BACKUP_STORE_READY_H

#include "base/err.h"
#include "base/strv.h"
#include "changes.h"

/* store_ready(): incoming: borrowed, a folder's descriptor; where: its path,
 * for messages. 0, or -1: ERR_SYS, ERR_MEM, ERR_UNSAFE. */
int store_ready(int incoming, const char *where, const struct changes *c,
	struct err *e);

/* store_ready_torn(): each of these names, which are relative to incoming, is
 * no file any more. What it is otherwise stays. 0, or -1: ERR_SYS, ERR_PEER
 * (one is no plain path). */
int store_ready_torn(int incoming, const char *where,
	const struct strv *names, struct err *e);

#endif
