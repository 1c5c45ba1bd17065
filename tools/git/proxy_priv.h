/* SPDX-License-Identifier: ISC */
/*
 * What proxy_run.c (a session, by an ssh of its own) and proxy_mux.c (by a
 * master of the pool) have in common: a session under way.
 */
#ifndef GIT_PROXY_PRIV_H
#define GIT_PROXY_PRIV_H

#include "base/strv.h"
#include "gitcount.h"
#include "gitprog.h"
#include "gitssh.h"
#include "muxask.h"
#include "proc/child.h"
#include "proxy.h"

#define SSH_FAILED	255	/* ssh(1): it failed itself */

struct run {
	struct proxy *p;
	struct loop *loop;
	struct loop_timer *answer;	/* until a session has to stand */
	struct muxask *mux;		/* a session through a master, or */
	struct child *child;		/* an ssh of its own */
	struct gitprog_watch out;
	struct gitcount *count;		/* NULL: nothing is counted */
	struct strv argv;
	int log;			/* memfd with ssh's words; -1 */
	uint64_t until;			/* CLOCK_MONOTONIC, of answer */
	uint64_t began;			/* CLOCK_MONOTONIC: the ssh's start */
	int status;			/* of the ssh that ended */
	bool over;			/* it ended; its last words go out */
	bool late;			/* we ended it: no answer */
	bool held;			/* a master may still read our input */
	bool timed_out;			/* the session's own limit */
	bool ended;			/* by a signal to us */
	bool gone;			/* nobody is there to read */
	struct gitssh_said said;
	struct buf why;
};

/* proxy_left_ms(): until a session has to stand; 0: none. */
uint64_t proxy_left_ms(const struct run *r);

/* proxy_over(): the ssh, or the master's session, has ended. What it said
 * still goes out, for at most timeout_ms (0: no limit; r->timed_out if that
 * was too short); then the loop is stopped. */
void proxy_over(struct run *r, uint64_t timeout_ms);

/* proxy_settled(): whether what ended is over with this, whatever came of
 * it. */
bool proxy_settled(const struct run *r);

/* proxy_mux(): by one master of the pool after the other, of which the sid
 * says the first. Where none takes it, r is not settled, and nothing is lost
 * but the time. 0, or -1: ERR_SYS. */
int proxy_mux(struct run *r, struct err *e);

/* proxy_mux_answer(): r->answer rang while a master has the session: one that
 * has not said a word by half of the time is left alone. */
void proxy_mux_answer(struct run *r);

#endif
