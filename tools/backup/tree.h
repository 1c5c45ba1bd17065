/* SPDX-License-Identifier: ISC */
/*
 * tree: goes through a tree and the catalogue's rows side by side, folder by
 * folder, names in order, so that each name comes once with what is on disk
 * and what is recorded. Folders that wait stand in a temporary table:
 * memory is bounded whatever the tree. Folders that are recorded and gone are
 * gone through, too.
 */
#ifndef POSTERN_TREE_H
#define POSTERN_TREE_H

#include <sys/stat.h>

#include "catalog.h"

struct tree_item {
	int64_t dir;			/* id; 0: the catalogue has none */
	const char *path;		/* of dir: "/", "/etc/" */
	const char *name;		/* "": the root itself */
	int dirfd;			/* of dir; the root's own for "" */
	const struct stat *st;		/* NULL: not on disk */
	bool same;			/* walk_same() of that in twin */
	const struct catalog_row *prev, *next;	/* NULL: no row; may be one */
};

struct tree {
	struct catalog *cat;		/* borrowed, as is all else */
	int root;			/* the tree; fd */
	int twin;			/* an unchanged tree to compare, or -1 */
	int64_t prev, next;		/* rows live in these; 0: none */
	bool make;			/* give each folder an id */
	/* one: for each name; -1 ends it all. Borrows item. */
	int (*one)(void *arg, const struct tree_item *item, struct err *e);
	/* inside: whether what is below a folder that is on disk, path, may be
	 * other than in prev: if not, it is not gone into. NULL: it may. */
	bool (*inside)(void *arg, const char *path);
	/* folder: after each folder. */
	int (*folder)(void *arg, struct err *e);
	/* unreadable: a folder can't be read: path, why. 1: it counts as
	 * empty, 0: nothing is known of what is below it; -1 ends it all. */
	int (*unreadable)(void *arg, const char *path, const char *why,
		struct err *e);
	void *arg;
};

/* tree_run(): 0, or -1: as the callbacks said, or ERR_SYS, ERR_MEM and what
 * catalog.h says. */
int tree_run(const struct tree *t, struct err *e);

#endif
