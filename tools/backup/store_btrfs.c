/* SPDX-License-Identifier: ISC */
#include "store_btrfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "store.h"

/* The inode of each subvolume's top (BTRFS_FIRST_FREE_OBJECTID). */
#define TOP_INODE	256
#define EXTENTS		256	/* asked for at a time */

bool
store_btrfs_is(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == BTRFS_SUPER_MAGIC;
}

bool
store_btrfs_subvol(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_ino == TOP_INODE &&
	    store_btrfs_is(fd);
}

/* The calls of old take a name of 4087 bytes, ours are snapshots' names. */
static int
by_name(int dirfd, unsigned long what, const char *name)
{
	struct btrfs_ioctl_vol_args args = { 0 };

	if (strlen(name) > BTRFS_PATH_NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(args.name, name, strlen(name));
	return ioctl(dirfd, what, &args);
}

bool
store_btrfs_probe(int dirfd)
{
	/* One that a killed run left is as good a sign as a new one. */
	if (by_name(dirfd, BTRFS_IOC_SUBVOL_CREATE, STORE_PROBE) == -1 &&
	    errno != EEXIST)
		return false;
	return unlinkat(dirfd, STORE_PROBE, AT_REMOVEDIR) == 0 ||
	    by_name(dirfd, BTRFS_IOC_SNAP_DESTROY, STORE_PROBE) == 0;
}

int
store_btrfs_create(int dirfd, const char *where, const char *name,
    struct err *e)
{
	if (by_name(dirfd, BTRFS_IOC_SUBVOL_CREATE, name) == -1)
		return err_sys(e, "%s/%s: making a subvolume", where, name);
	return 0;
}

int
store_btrfs_snapshot(int dirfd, const char *where, const char *name,
    int from_fd, struct err *e)
{
	struct btrfs_ioctl_vol_args_v2 args = { .fd = from_fd };

	if (strlen(name) > BTRFS_SUBVOL_NAME_MAX) {
		errno = ENAMETOOLONG;
		return err_sys(e, "%s/%s", where, name);
	}
	memcpy(args.name, name, strlen(name));
	if (ioctl(dirfd, BTRFS_IOC_SNAP_CREATE_V2, &args) == -1)
		return err_sys(e, "%s/%s: making a snapshot of a subvolume",
		    where, name);
	return 0;
}

int
store_btrfs_readonly(int fd, const char *path, bool on, struct err *e)
{
	uint64_t flags;

	if (ioctl(fd, BTRFS_IOC_SUBVOL_GETFLAGS, &flags) == -1)
		return err_sys(e, "%s: flags of the subvolume", path);
	if (((flags & BTRFS_SUBVOL_RDONLY) != 0) == on)
		return 0;
	flags ^= BTRFS_SUBVOL_RDONLY;
	if (ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &flags) == -1)
		return err_sys(e, "%s: making the subvolume %s", path,
		    on ? "read-only" : "writable");
	return 0;
}

int
store_btrfs_delete(int dirfd, const char *where, const char *name,
    struct err *e)
{
	if (by_name(dirfd, BTRFS_IOC_SNAP_DESTROY, name) == -1)
		return err_sys(e, "%s/%s: removing the subvolume", where,
		    name);
	return 0;
}

int
store_btrfs_own(int fd, const atomic_bool *stop, uint64_t *ret)
{
	union {
		struct fiemap map;
		char room[sizeof(struct fiemap) +
		    EXTENTS * sizeof(struct fiemap_extent)];
	} u;
	const struct fiemap_extent *x = u.map.fm_extents;
	uint64_t sum = 0, at = 0;
	bool last = false;
	size_t i;

	while (!last && (stop == NULL || !atomic_load(stop))) {
		memset(&u.map, 0, sizeof(u.map));
		u.map.fm_start = at;
		u.map.fm_length = FIEMAP_MAX_OFFSET - at;
		u.map.fm_extent_count = EXTENTS;
		/* What is not written yet would seem to be shared still. */
		u.map.fm_flags = at == 0 ? FIEMAP_FLAG_SYNC : 0;
		if (ioctl(fd, FS_IOC_FIEMAP, &u.map) == -1)
			return -1;
		for (i = 0; i < u.map.fm_mapped_extents; i++) {
			if ((x[i].fe_flags & FIEMAP_EXTENT_SHARED) == 0)
				sum += x[i].fe_length;
			if ((x[i].fe_flags & FIEMAP_EXTENT_LAST) != 0)
				last = true;
			at = x[i].fe_logical + x[i].fe_length;
		}
		if (u.map.fm_mapped_extents == 0)
			last = true;
	}
	*ret = sum;
	return 0;
}

void
store_btrfs_sync(int fd)
{
	(void)ioctl(fd, BTRFS_IOC_SYNC);
}
