/* SPDX-License-Identifier: ISC */
/*
 * meta: a file's metadata as it was backed up: what --fake-super stored
 * (fakestat.h) where there is such, else the file's own. Other extended
 * attributes (ACLs, capabilities; as a plain user rsync keeps them as
 * user.rsync.*) go into one hash: of each, in the order of names, the name
 * and its NUL, the length (8 bytes, little endian), the value. security.selinux
 * is the store's own affair and left out.
 */
#ifndef POSTERN_META_H
#define POSTERN_META_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"
#include "catalog.h"

#define META_SCRATCH	(128u << 10)	/* bytes of what meta_read() needs */

/*
 * meta_read(): of name in dirfd, whose lstat is st; fd, if not -1, is the file
 * itself, opened. The hash is left to the caller, but for a symbolic link,
 * which has its target's. *ret_content: whether it has content to be hashed.
 * scratch: META_SCRATCH bytes, borrowed.
 * 0, or -1: ERR_SYS, ERR_CONFIG (an attribute that rsync did not write).
 */
int meta_read(int dirfd, const char *name, int fd, const struct stat *st,
	void *scratch, struct catalog_meta *ret, bool *ret_content,
	struct err *e);

/* meta_plain(): what lstat alone tells; for a file that meta_read() fails
 * for. */
void meta_plain(const struct stat *st, struct catalog_meta *ret);

/* meta_open(): the regular file name in dirfd whose lstat was st, to be read;
 * its access time stays. 0 with *ret_fd owned, or -1 ERR_SYS, ERR_UNSAFE (it
 * is another file by now). */
int meta_open(int dirfd, const char *name, const struct stat *st, int *ret_fd,
	struct err *e);

/* meta_holds(): whether all that is recorded of the file that is st holds, and
 * can: it does, unless it was written to in the store since. */
bool meta_holds(const struct catalog_meta *m, const struct stat *st);

#endif
