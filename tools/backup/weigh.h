/* SPDX-License-Identifier: ISC */
/*
 * weigh: how much is below a job's roots, once its excludes are taken away, and
 * the folders that hold most of it. By openat(2), never through a symbolic
 * link; a file with several names counts once; what counts is the space that
 * is taken (st_blocks), so holes don't. Files with several names are
 * remembered, up to a number: of those beyond it each name counts its share,
 * which is the same as long as all names are below the roots. An exclude that
 * begins with / and has no wildcard is that path; others are compared as rsync
 * would compare them in all but its rarest cases, which is enough to find what
 * is large.
 */
#ifndef BACKUP_WEIGH_H
#define BACKUP_WEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"

struct weigh_folder {
	char *path;		/* owned */
	uint64_t bytes, files;	/* with all that is below it */
};

struct weigh_spec {
	const struct strv *roots, *excludes;
	bool one_file_system;
	size_t lines;		/* keep at most so many folders */
	uint64_t min_bytes;	/* none smaller */
	size_t links;		/* files with several names that are
				 * remembered; 0: 393216, in 8 MiB */
	/* Now and then; may be NULL. path: where the walk is. */
	void (*on_tick)(void *arg, uint64_t files, uint64_t bytes,
		const char *path);
	void *arg;
};

struct weigh_result {
	struct weigh_folder *folders;	/* the largest first */
	size_t n;
	uint64_t bytes, files;		/* of everything */
	uint64_t unread;		/* folders that could not be read */
	char *first_unread;		/* one of them, or NULL */
};

/*
 * weigh_run(): into *ret (zeroed). A folder is left out of the list when one
 * folder right below it has nine tenths of it: that one says more. 0, or -1
 * ERR_MEM, ERR_SYS (a root can't be opened).
 */
int weigh_run(const struct weigh_spec *w, struct weigh_result *ret,
	struct err *e);
void weigh_clear(struct weigh_result *r);

/* weigh_excluded(): whether path, whose last part is a folder or not, is left
 * out by one of the patterns. For tests. */
bool weigh_excluded(const struct strv *excludes, const char *path,
	bool folder);

#endif
