/* SPDX-License-Identifier: ISC */
/*
 * gwmirror: whether a mirror would serve this gateway, which a check, a status
 * and a set-up ask: one look, so that they agree.
 */
#ifndef GIT_GWMIRROR_H
#define GIT_GWMIRROR_H

#include <stdint.h>

#include "base/err.h"
#include "gitconf.h"
#include "ssh/sshargv.h"

struct gwmirror {
	const struct gitconf_gateway *conf;	/* all borrowed */
	const char *dest;	/* the mirror */
	const char *user;	/* root asks as this user; NULL: as we are */
	uint64_t timeout_ms;	/* 0: GWASK_MS */
};

/* gwmirror_ask(): it lets the gateway's key in, and holds it to
 * postern-git-serve. ret_fail as gwask_run()'s.
 * 0, or -1: ERR_PEER (it does not), ERR_TIMEOUT, ERR_CONFIG, ERR_SYS,
 * ERR_MEM. */
int gwmirror_ask(const struct gwmirror *m, enum sshfail *ret_fail,
	struct err *e);

#endif
