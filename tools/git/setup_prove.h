/* SPDX-License-Identifier: ISC */
/*
 * setup_prove: what ends a set-up. Whichever side comes second, or is set up
 * again, brings the keys to the gateway and tries the whole way; who comes
 * first says which step is left.
 */
#ifndef GIT_SETUP_PROVE_H
#define GIT_SETUP_PROVE_H

#include "base/err.h"
#include "gitconf.h"

struct setup_prove {
	const struct gitconf *conf;	/* as the set-up has left it */
	const char *user;		/* whose logins they are */
	const char *peer;		/* the other side */
	uint64_t timeout_ms;		/* for a login or a program; 0: a
					 * while */
};

/* All: the exit status, 0: all is well; 1: something is wrong, which the log
 * says: the other side lets this one in and does not do what is asked, or has
 * another host key than the one that is pinned, or this host can't ask; 2: it
 * does not let this one in yet, or can't be reached; or -1 as check_run(). What
 * only starts is waited for; a refusal is not. */
int setup_prove_gateway(const struct setup_prove *p, struct err *e);
int setup_prove_mirror(const struct setup_prove *p, struct err *e);
int setup_prove_server(const struct setup_prove *p, struct err *e);

#endif
