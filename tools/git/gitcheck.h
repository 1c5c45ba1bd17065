/* SPDX-License-Identifier: ISC */
/*
 * gitcheck: the user GITID_CHECK, as whom `postern git check` comes in through
 * the gateway while it runs on the git server, with a key made for that. No
 * person can have that id (gitid_denied()); whoever says it is nobody to
 * postern-git-serve but as long as a check holds the file of this room, and
 * only with the key that is in it. The lock is the kernel's: it ends with the
 * check, however that ends.
 *
 *	root's check:	gitcheck_open → … → gitcheck_close
 *	serve:		gitcheck_is
 *
 * Source: flock(2).
 */
#ifndef GIT_GITCHECK_H
#define GIT_GITCHECK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define GITCHECK_PATH	"/run/postern-git-check"

/* What postern-git-serve says to it, a line of stdout, before gitolite does:
 * this word, and the wire line's own. */
#define GITCHECK_WORD	"postern-check"

/* gitcheck_open(): root's; fp is who it is from now on, as members of gid may
 * read. 0 with *ret_fd, or -1: ERR_BUSY (another check runs), ERR_SYS,
 * ERR_UNSAFE. */
int gitcheck_open(gid_t gid, const char *fp, int *ret_fd, struct err *e);
void gitcheck_close(int fd);		/* -1 is legal */

/* gitcheck_is(): whether fp is the key of a check that runs now. */
bool gitcheck_is(const char *fp);

#endif
