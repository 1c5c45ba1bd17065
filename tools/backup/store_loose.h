/* SPDX-License-Identifier: ISC */
/*
 * store_loose: .incoming before and after rsync works in it, where what rsync
 * does reaches further than the file that it means.
 *
 * Of a file that is there already rsync changes mode, owner and attributes in
 * place, and with --inplace the content, too; whatever other name the inode
 * has changes along. That would be the last snapshot, into which a broken run
 * has linked (hardlink), or a name that is another file by now (btrfs). So
 * before a run each file has an inode of its own; rsync -H links anew what is
 * one file in the source.
 *
 * Parts of files that a broken run left (--partial-dir) rsync protects from
 * its own --delete. So after a run they are removed.
 *
 * Memory is bounded whatever the tree, no link is followed and no other file
 * system entered. Source: rsync(1), --hard-links, --inplace, --partial-dir.
 */
#ifndef POSTERN_STORE_LOOSE_H
#define POSTERN_STORE_LOOSE_H

#include "base/err.h"
#include "store.h"

#define STORE_PARTIAL	".postern-partial"	/* rsync's --partial-dir */

/*
 * store_loosen(): no two names in the tree root share an inode, and none
 * with what is outside of it.
 * hardlink: a name of such an inode is removed; rsync brings or links it.
 * btrfs: in the order of rsync's list, the first name keeps the inode; each
 * other one gets a copy that shares its blocks, or, where there can be none,
 * is removed.
 * root   borrowed; a folder's descriptor. where: its path, for messages.
 * 0, or -1: ERR_SYS, ERR_MEM. Source: ioctl_ficlone(2).
 */
int store_loosen(int root, const char *where, enum store_backend b,
	struct err *e);

/* store_loosen_name(): btrfs: the same for one name in the folder fd, where rsync
 * is about to change that file alone. As store_loosen(). */
int store_loosen_name(int fd, const char *where, const char *name,
	struct err *e);

/* store_tidy(): removes each folder STORE_PARTIAL in the tree root. As
 * store_loosen(). */
int store_tidy(int root, const char *where, struct err *e);

#endif
