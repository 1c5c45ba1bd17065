/* SPDX-License-Identifier: ISC */
/*
 * keyread: one push of keys on a descriptor (keysig.h, keypush.h), read to its
 * end with limits and a deadline, while ssh-keygen -Y verify reads the same
 * bytes. No key is handed out but of a push whose signature is good. No lock
 * is held meanwhile: whoever writes slowly, or never ends, holds up himself.
 */
#ifndef GIT_KEYREAD_H
#define GIT_KEYREAD_H

#include "keypush.h"

#define KEYREAD_NAMESPACE "postern-git"	/* of ssh-keygen -Y */

struct keyread {
	int fd;				/* borrowed */
	const char *allowed_signers;	/* borrowed: ssh-keygen(1) */
	const char *server;		/* who has to have signed it, and be
					 * named in its head */
	const struct keypush_limits *limits;	/* NULL: keypush's own */
	unsigned timeout_ms;		/* for all of it */
	keypush_bad_fn *on_bad;		/* told as the lines come, before the
					 * signature is known to be good; may
					 * be NULL */
	void *arg;
};

/*
 * keyread_run(): *ret_keys (empty before; the caller clears it).
 * Returns 0, or -1: ERR_PEER (what came is no push, or its signature isn't
 * good), ERR_REFUSED (of another server), ERR_TIMEOUT, ERR_SYS, ERR_MEM; then
 * both results are untouched.
 */
int keyread_run(const struct keyread *r, struct keypush_head *ret_head,
	struct keylist *ret_keys, struct err *e);

#endif
