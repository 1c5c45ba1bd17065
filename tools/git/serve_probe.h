/* SPDX-License-Identifier: ISC */
/*
 * serve_probe: a session as GITID_CHECK on the git server (gitprobe.h): runs
 * what it asks for without a word from the gateway's side but that, and says
 * what came of it in lines of ours.
 */
#ifndef GIT_SERVE_PROBE_H
#define GIT_SERVE_PROBE_H

#include "base/err.h"
#include "base/strv.h"
#include "gitask.h"

/*
 * serve_probe(): to standard output. env: gitolite-shell's.
 * Returns 0, or -1: ERR_PEER (gitolite failed or said something else; the
 * gateway did not take the keys), ERR_TIMEOUT, ERR_BUSY (another push that was
 * asked for is under way; the gateway was not reached, or is busy),
 * ERR_REFUSED, ERR_SYS, ERR_MEM.
 */
int serve_probe(const struct gitconf_server *c, const char *home,
	const struct gitask *a, const struct strv *env, struct err *e);

#endif
