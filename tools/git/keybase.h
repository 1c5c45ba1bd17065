/* SPDX-License-Identifier: ISC */
/*
 * keybase: the keys of root's own authorized_keys on the gateway, the git
 * server's push key among them. No id may have one of them, and no revocation
 * by the git server ends their sessions.
 */
#ifndef GIT_KEYBASE_H
#define GIT_KEYBASE_H

#include "keylist.h"

/* A line that sshd passes over: why names it. */
typedef void keybase_bad_fn(void *arg, const struct err *why);

/*
 * keybase_read(): the keys of the file at path into ret (empty). NULL, or a
 * missing file: none. A line that is no key is left out, as sshd does: a slip
 * of root's is not to stop what the git server revokes.
 * on_bad  NULL: nobody is told.
 * Returns 0, or -1: as file_read(), ERR_REFUSED (too many keys), ERR_MEM.
 */
int keybase_read(const char *path, struct keylist *ret,
	keybase_bad_fn *on_bad, void *arg, struct err *e);

#endif
