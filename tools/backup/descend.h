/* SPDX-License-Identifier: ISC */
/*
 * descend: goes through a tree in the order of rsync's list: of a folder what
 * is no folder first, by name, then its folders, by name, each with all below
 * it. The caller may change the tree meanwhile.
 *
 * One descriptor at a time, and max bytes of names and those of two parts,
 * whatever the tree: a folder of more than part names, and what lies around a
 * very deep or wide one, is read in parts. There the order holds within a
 * part, and a name may come twice. No symbolic link is followed, and no other
 * file system entered.
 */
#ifndef POSTERN_DESCEND_H
#define POSTERN_DESCEND_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/err.h"

#define DESCEND_MAX ((size_t)4 << 20)

struct descend {
	int root;		/* borrowed: the tree's descriptor */
	const char *where;	/* borrowed: its path, for messages */
	/*
	 * one: for each name below the root; st is of the name itself, dirfd
	 * the folder that has it; all borrowed. Of a folder 1: go into it, 0:
	 * leave it. -1 with *e filled ends it all.
	 */
	int (*one)(void *arg, int dirfd, const char *name,
		const struct stat *st, struct err *e);
	void *arg;
	size_t max, part;	/* 0: DESCEND_MAX, and walk.h's WALK_PART */
};

/* descend_run(): 0, or -1: as one said, ERR_SYS, ERR_MEM. What vanishes
 * meanwhile is passed over. */
int descend_run(const struct descend *d, struct err *e);

#endif
