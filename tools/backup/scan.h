/* SPDX-License-Identifier: ISC */
/*
 * scan: looks at what a job backs up without opening a file, and tells what is
 * other than it was when the last run looked (seen.h): a path is as it was
 * when its inode, type, mode, size, mtime and ctime are. The kernel sets a
 * file's ctime whenever content, owner, mode, attributes, ACLs or names of it
 * change, and nobody else can. (Of what is written through mmap(2) it is set
 * when the kernel writes it out, or sooner.)
 *
 * In doubt a path counts as changed: where the file system is none whose inode
 * numbers and ctimes are known to be good; and when its ctime is not older than
 * doubt_ns: a change may come after the look and have the same ctime.
 *
 * Limits: of a folder above a root that was moved and put back while it was
 * read nothing is left to see once a name in it came or went after that; and
 * one whose mtime somebody set meanwhile (tar -x, rsync -t of it) passes for
 * such a one. Of "/" itself another owner is not seen once a name in it came or
 * went after that: the next look at everything has it.
 *
 * What is listed as changed is for rsync to compare once more; what is not is
 * neither read nor sent.
 */
#ifndef BACKUP_SCAN_H
#define BACKUP_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

struct scan_spec {
	const struct strv *roots, *excludes;
	const struct strv *own;	/* folders of ours, left out */
	bool one_fs;		/* stay on the file system of each root */
	int64_t doubt_ns;	/* unix time */
	/* The roots were read while they changed: what lies in a folder that
	 * changed since doubt_ns may have been elsewhere then. */
	bool late;
	FILE *old;		/* the last run's, or NULL: all is new, and
				 * there are no changes */
	FILE *out;		/* this one's: all but its head */
	struct buf *changes;	/* changes.h; its cap is what may be told */
};

struct scan_result {
	uint64_t files, bytes;	/* names, folders too; content */
	int64_t top_ns;		/* mtime of "/" */
};

/*
 * scan_run(): 0 with *ret, or -1: ERR_CONFIG (exclude.h; old is damaged; what
 * only a look at everything can tell), ERR_SYS (a folder that can't be read,
 * among others), ERR_MEM (more changes
 * than the cap: then it is cheaper to look at everything).
 */
int scan_run(const struct scan_spec *s, struct scan_result *ret,
	struct err *e);

#endif
