/* SPDX-License-Identifier: ISC */
/*
 * expand: from the grants (grants.h) to the paths that the kernel lets
 * through. A right that Landlock gives to a folder can't be taken back below
 * it; so where a root holds something hidden, the entries beside that are
 * granted in the root's place, level by level. What comes to lie there later,
 * or is replaced, can't be read by this run (unread.h). Pure but for the
 * lister that it is given.
 *
 * Symlinks need no grant, and devices, FIFOs and sockets get none there.
 */
#ifndef BACKUP_EXPAND_H
#define BACKUP_EXPAND_H

#include "base/err.h"
#include "base/strv.h"

enum expand_kind {
	EXPAND_FOLDER,
	EXPAND_FILE,		/* a regular file */
	EXPAND_OTHER,		/* symlink, device, FIFO, socket */
};

struct expand {
	struct strv roots;	/* 'r' */
	struct strv hidden;	/* 'x' */
	struct strv folders;	/* 'd' */
};

/* expand_clear(): legal on a zeroed struct, which is an empty one. */
void expand_clear(struct expand *x);
/* expand_add(): one grant, letter r, x or d. 0, or -1 ERR_MEM. */
int expand_add(struct expand *x, char letter, const char *path,
	struct err *e);

/* One entry of a folder, without "." and "..". name: borrowed.
 * 0, or -1 with *e filled. */
typedef int expand_entry_fn(void *ctx, const char *name,
	enum expand_kind kind, struct err *e);

struct expand_calls {
	/*
	 * Calls entry(ctx, ...) for each entry of the folder at path, without
	 * following a symlink at any part of it. A folder that is not there,
	 * is none or may not be read has no entries. 0, or -1: what entry()
	 * returned, or an error of its own.
	 */
	int (*list)(void *arg, const char *path, expand_entry_fn *entry,
		void *ctx, struct err *e);
	/* path may be read, with all that is below it. 0 or -1. */
	int (*grant)(void *arg, const char *path, struct err *e);
	void *arg;
};

/* expand_run(): a root that is hidden itself is not granted; one that lies
 * below something hidden is. 0, or -1: what a call gave, ERR_MEM. */
int expand_run(const struct expand *x, const struct expand_calls *calls,
	struct err *e);

#endif
