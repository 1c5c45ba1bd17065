/* SPDX-License-Identifier: ISC */
/*
 * proxy: one session of one id on the gateway: what was asked for is settled
 * (proxy.c) and carried to a server by an ssh that has our three descriptors
 * (proxy_run.c), so that no byte of git's goes through us; unless they are to
 * be counted (gitcount.h).
 */
#ifndef GIT_PROXY_H
#define GIT_PROXY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "gitask.h"
#include "gitconf.h"

struct proxy {
	struct gitconf conf;
	struct gitask ask;
	struct buf sessions;	/* the folder; empty: not entered */
	bool cert;		/* let in by a certificate: w.fp's key may be
				 * in no list */
	int slot, slot_all;	/* what we hold; -1: nothing */
	const char *via;	/* the mirror that answered, or NULL */
	int status;		/* of the session, for sshd */
	int64_t in, out;	/* bytes, if they were counted; -1 */
};

/*
 * proxy_run(): p's session, at its server or, for what only reads, at a
 * mirror, if the server was not reached. 0 with p->status and p->via; or -1:
 * ERR_PEER (no server took it, or it was lost: a line for the person),
 * ERR_TIMEOUT, ERR_SYS, ERR_MEM.
 */
int proxy_run(struct proxy *p, struct err *e);

/* proxy_exec(): this process becomes an ssh that carries p's session (exec =
 * yes): nobody waits for its end. What it holds goes with it, but not that it
 * is noted as a session (sessions.h), which pid and start say. Comes back only
 * with -1: ERR_SYS, ERR_CONFIG, ERR_MEM. */
int proxy_exec(struct proxy *p, struct err *e);

/* proxy_pool(): if the pool of masters is started by sessions and is not
 * there, start it, and don't wait. What fails is only said in syslog: the
 * session goes on without. */
void proxy_pool(const struct gitconf_gateway *c);

#endif
