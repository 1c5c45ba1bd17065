/* SPDX-License-Identifier: ISC */
/*
 * walk: how a snapshot's tree is read. Each folder is opened from the tree's
 * root, no symbolic link followed, and listed in the order of names' bytes, a
 * bounded part at a time: a folder of a million names takes several readings
 * and no more memory.
 */
#ifndef POSTERN_WALK_H
#define POSTERN_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"

#define WALK_PART	16384		/* names listed at a time */

struct walk_list {
	char *names;		/* owned; strings one behind the other */
	size_t len, cap;
	uint32_t *at;		/* owned; n offsets into names, sorted */
	size_t n, max;		/* max: how many at most, WALK_PART if 0 */
	bool more;		/* there are names behind the last */
};

/*
 * walk_open(): the folder path ("/", "/a/b/") below root, to be read.
 * 0 with *ret_fd owned, or -1 ERR_SYS (errno ELOOP or ENOTDIR: no folder).
 * Source: openat2(2), RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS.
 */
int walk_open(int root, const char *path, int *ret_fd, struct err *e);

/*
 * walk_list(): the first names of the folder fd that come behind after (all
 * of them for ""). 0, or -1 ERR_SYS, ERR_MEM.
 */
int walk_list(int fd, const char *after, struct walk_list *l, struct err *e);
void walk_list_clear(struct walk_list *l);

/*
 * walk_same(): whether b, of the same path in another snapshot, is sure to be
 * the same file as a with the same content and metadata: one inode with two
 * names, or, where twins says that the trees are snapshots of each other in a
 * copying file system (btrfs), one inode number, size, mtime and ctime: there
 * ctime goes along, and nobody can set it.
 */
bool walk_same(const struct stat *a, const struct stat *b, bool twins);

/* walk_twins(): whether that holds of the trees a and b: both are on btrfs. */
bool walk_twins(int a, int b);

#endif
