/* SPDX-License-Identifier: ISC */
/*
 * treewalk: goes through a tree, one folder at a time: first all names of a
 * folder, in the order of their bytes, then its folders, in that order, each
 * with all below it. So two trees, or a tree and a list that was made of one,
 * can be gone through side by side. Unlike descend.h it knows where it is, and
 * reads a folder once; what waits is the paths of folders that are still to be
 * gone into.
 *
 * No symbolic link is followed. What vanishes meanwhile is passed over.
 */
#ifndef BACKUP_TREEWALK_H
#define BACKUP_TREEWALK_H

#include <sys/stat.h>

#include "base/err.h"

/* Bytes of paths that wait at most: a folder of a million folders. */
#define TREEWALK_MAX	((size_t)64 << 20)

struct treewalk {
	int root;		/* borrowed: a folder's descriptor */
	const char *start;	/* "/", or "/a/b/": below root, where to
				 * begin; its own name does not come */
	/* A folder was opened, and its names read (of a large one the first
	 * part, walk.h): 1: they are to come, 0: none of it.
	 * path: "/", "/a/b/". May be NULL. */
	int (*begin)(void *arg, int fd, const char *path, struct err *e);
	/* A name of it. Of a folder 1: it is gone into later, 0: not. */
	int (*one)(void *arg, int fd, const char *path, const char *name,
		const struct stat *st, struct err *e);
	/* It had no more. 0. May be NULL. */
	int (*end)(void *arg, int fd, const char *path, struct err *e);
	void *arg;
};

/* treewalk_run(): 0, or -1: as a call said, ERR_SYS (a folder can't be read;
 * the message names it), ERR_MEM. */
int treewalk_run(const struct treewalk *t, struct err *e);

#endif
