/* SPDX-License-Identifier: ISC */
/*
 * explain: `postern git explain --id ID COMMAND`: what a session would come
 * to, by gitask.h's judgement and nothing else. Neither connects nor runs
 * anything, takes no place of a session and writes nothing down.
 */
#ifndef GIT_EXPLAIN_H
#define GIT_EXPLAIN_H

#include <stdbool.h>

#include "base/err.h"
#include "gitconf.h"

struct explain_opts {
	const char *side;	/* "gateway", "server"; NULL: the one that
				 * git.conf is of */
	const char *id, *command;
	bool json;
};

/*
 * explain_run(): on stdout the argv that would run, each word quoted for a
 * shell; on the server env -i and gitolite-shell's environment before it. Or
 * "refused: " and why. json: one object.
 * On the gateway GIT_PROTOCOL of our own environment counts, as it does for a
 * session. On the server a root becomes the state folder's owner, for
 * gitolite's keydir.
 * Returns 0: allowed, 1: refused; or -1: ERR_USAGE, ERR_CONFIG (no server is
 * set), ERR_SYS, ERR_UNSAFE, ERR_MEM.
 */
int explain_run(const struct gitconf *c, const struct explain_opts *o,
	struct err *e);

#endif
