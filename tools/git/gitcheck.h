/* SPDX-License-Identifier: ISC */
/*
 * gitcheck: the key that a `postern git check` has made, while it runs: its
 * fingerprint, in a file of root's that the check holds locked. The lock is the
 * kernel's: it ends with the check, however that ends. That there is one check
 * at a time is another lock's, on a file that root alone may open: whoever may
 * read a file may lock it, and the git user could keep each check off. For the
 * same reason the file is made anew by each check.
 *
 * On the gateway the same file has a line for sshd, whose AuthorizedKeysFile
 * names it: the key, held to postern-git-proxy as GITID_CHECK, which takes it
 * as long as the file is held. What a check leaves that was killed is a line
 * whose key nobody has, and which opens nothing.
 *
 *	root's check:	gitcheck_open → … → gitcheck_close
 *	proxy:		gitcheck_is
 *
 * Source: flock(2).
 */
#ifndef GIT_GITCHECK_H
#define GIT_GITCHECK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define GITCHECK_PATH	"/run/postern-git-check"
#define GITCHECK_LOCK	GITCHECK_PATH ".lock"

#define GITCHECK_MAX	8192	/* bytes of it */

/* Of a check that runs; both -1: of none. */
struct gitcheck {
	int lock, fd;
};
#define GITCHECK_NONE { -1, -1 }

/* gitcheck_open(): root's; fp is whose key it is from now on, as members of
 * gid may read; line: for sshd, or NULL. 0 with *ret, or -1: ERR_BUSY
 * (another check runs), ERR_CONFIG (line is too long), ERR_SYS, ERR_UNSAFE. */
int gitcheck_open(gid_t gid, const char *fp, const char *line,
	struct gitcheck *ret, struct err *e);
void gitcheck_close(struct gitcheck *c);	/* of none is legal */

/* gitcheck_is(): whether fp is the key of a check that runs now. */
bool gitcheck_is(const char *fp);

#endif
