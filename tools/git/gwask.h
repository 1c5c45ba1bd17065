/* SPDX-License-Identifier: ISC */
/*
 * gwask: a question of the gateway's own to the git server (gitprobe.h), or to
 * a mirror, over an ssh with the gateway's key, as its git user: not through the pool, which
 * may not be there yet.
 */
#ifndef GIT_GWASK_H
#define GIT_GWASK_H

#include "base/buf.h"
#include "base/err.h"
#include "gitconf.h"
#include "ssh/sshargv.h"

#define GWASK_MS 30000	/* all limits of the git server are below it */

struct gwask {
	const struct gitconf_gateway *conf;
	const char *dest;	/* who is asked; NULL: the git server */
	const char *user;	/* root asks as this user; NULL: as we are */
	const char *command;	/* of GITPROBE_C_*, or another one */
	uint64_t timeout_ms;	/* 0: GWASK_MS */
};

/*
 * gwask_run(): what the server says, appended to out, also when it fails.
 * ret_fail  why no session came about; SSHFAIL_OTHER when one did.
 * Returns 0, or -1: ERR_PEER, ERR_TIMEOUT, ERR_CONFIG, ERR_SYS, ERR_MEM.
 */
int gwask_run(const struct gwask *a, struct buf *out, enum sshfail *ret_fail,
	struct err *e);

#endif
