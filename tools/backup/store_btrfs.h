/* SPDX-License-Identifier: ISC */
/*
 * store_btrfs: subvolumes, by the kernel's own calls (linux/btrfs.h, no
 * btrfs program). All but removal are open to a plain user who owns the
 * folders; removal wants CAP_SYS_ADMIN or the mount option
 * user_subvol_rm_allowed, else the caller empties the subvolume and rmdir(2)
 * takes it away.
 *
 * where  in all of them: the path of the folder dirfd, for messages.
 */
#ifndef POSTERN_STORE_BTRFS_H
#define POSTERN_STORE_BTRFS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* store_btrfs_is(): whether fd is on btrfs. */
bool store_btrfs_is(int fd);

/* store_btrfs_subvol(): whether fd is the top of a subvolume. */
bool store_btrfs_subvol(int fd);

/*
 * store_btrfs_probe(): whether a subvolume can be made in dirfd: makes one
 * with a name of its own and removes it. false for whatever reason.
 */
bool store_btrfs_probe(int dirfd);

/* store_btrfs_create(): an empty subvolume name in dirfd. 0, or -1 ERR_SYS. */
int store_btrfs_create(int dirfd, const char *where, const char *name,
	struct err *e);

/* store_btrfs_snapshot(): name in dirfd, a writable snapshot of the
 * subvolume from_fd. 0, or -1 ERR_SYS. */
int store_btrfs_snapshot(int dirfd, const char *where, const char *name,
	int from_fd, struct err *e);

/* store_btrfs_readonly(): set or clear the read-only property of the
 * subvolume fd; path for messages. 0, or -1 ERR_SYS. */
int store_btrfs_readonly(int fd, const char *path, bool on, struct err *e);

/* store_btrfs_delete(): the subvolume name in dirfd with all that is in it.
 * 0, or -1 ERR_SYS (EPERM: see above). */
int store_btrfs_delete(int dirfd, const char *where, const char *name,
	struct err *e);

/*
 * store_btrfs_own(): the bytes of the file fd that it shares with no other
 * file or snapshot, into *ret. stop: looked at now and then; true: what was
 * counted so far will do. May be NULL. 0, or -1: it can't be told.
 * Source: Documentation/filesystems/fiemap.rst (FIEMAP_EXTENT_SHARED).
 */
int store_btrfs_own(int fd, const atomic_bool *stop, uint64_t *ret);

/* store_btrfs_sync(): commit, and have the kernel go on with freeing what was
 * deleted, which it would else do half a minute later. */
void store_btrfs_sync(int fd);

#endif
