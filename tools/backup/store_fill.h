/* SPDX-License-Identifier: ISC */
/*
 * store_fill: a snapshot made of the one before and of what changed, where the
 * client knows that (changes.h) and rsync is asked for nothing else; with hard
 * links. (With btrfs: store_ready.h.)
 *
 * rsync fills an empty .incoming with what is new or not as it was.
 * Afterwards, when it can change nothing any more, the rest is linked to it
 * from the snapshot before; so no name that rsync sees shares an inode with an
 * old snapshot (store_loose.h).
 *
 * Paths of the changes are only compared with names that are there.
 */
#ifndef BACKUP_STORE_FILL_H
#define BACKUP_STORE_FILL_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "changes.h"

/*
 * store_fill_after(): prev, incoming: borrowed, descriptors of the snapshot
 * before and of .incoming; where: its path, for messages. A file that has as
 * many names as its file system allows is copied, once. A folder that rsync
 * did not meet with, and of which not all was told, is here as it was. stop:
 * once true, it is given up: ERR_REFUSED; may be NULL. 0, or -1: ERR_SYS,
 * ERR_MEM, ERR_UNSAFE.
 */
int store_fill_after(int prev, int incoming, const char *where,
	const struct changes *c, const atomic_bool *stop, struct err *e);

/* store_fill_top(): the mtime of .incoming itself, which is "/". 0, or -1
 * ERR_SYS. */
int store_fill_top(int incoming, const char *where, int64_t top_ns,
	struct err *e);

#endif
