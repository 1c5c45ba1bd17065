/* SPDX-License-Identifier: ISC */
/*
 * store_ready: as store_fill.h, with btrfs: .incoming is a copy of the snapshot
 * before, so that what is gone is removed from it, and what changed has an
 * inode of its own, before rsync changes it in place.
 *
 * Paths of the changes are opened beneath .incoming with no link followed.
 */
#ifndef BACKUP_STORE_READY_H
#define BACKUP_STORE_READY_H

#include "base/err.h"
#include "changes.h"

/* store_ready(): incoming: borrowed, a folder's descriptor; where: its path,
 * for messages. 0, or -1: ERR_SYS, ERR_MEM, ERR_UNSAFE. */
int store_ready(int incoming, const char *where, const struct changes *c,
	struct err *e);

#endif
