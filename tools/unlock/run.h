/* SPDX-License-Identifier: ISC */
/*
 * run: what every way of unlocking shares while it is on: the loop, the
 * hosts with their sessions and keys, Ctrl-C, the end. The ways themselves:
 * pipe.c, fifo.c, window.c. A host's life ends exactly once, by
 * run_host_end(); when all have ended, or someone asked to stop, the way's
 * own on_all and on_stop decide what is left to do.
 *
 *	run_init → (way)_start → run_loop → (way)_clear → run_clear
 */
#ifndef POSTERN_RUN_H
#define POSTERN_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "key.h"
#include "plan.h"
#include "proc/loop.h"
#include "proc/pool.h"
#include "report.h"
#include "secret/secret.h"
#include "ssh/session.h"
#include "unlock.h"

struct facts;
struct fanout_spec;
struct pusher;
struct verify;

struct run_host {
	struct run *run;
	size_t i;			/* index in the plan */
	const struct plan_host *ph;
	struct session *session;
	struct secret **keys;		/* one a row, in the rows' order */
	size_t nkeys;
	bool shares_key;		/* keys[] are all key_fixed() */
	bool ready;			/* the script there said so */
	bool ended;
};

struct run {
	const struct unlock_opts *o;
	const struct cfg *cfg;
	const struct plan *plan;
	const struct cfg *cfgs;		/* cfg and what lies beside it */
	size_t ncfgs;
	struct key_source *key;
	struct loop *loop;
	struct loop_timer *tick;
	struct loop_timer *limit;	/* --for; NULL: none, or the way's */
	struct pool *pool;		/* the way's, owned */
	struct pusher *pusher;		/* likewise */
	struct report *report;
	struct run_host *hosts;		/* plan->nhosts of them */
	struct sshargv_opts ssh;
	size_t left;			/* hosts that have not ended */
	void *way;			/* what is the way's own, owned */
	struct fanout_spec *fanout;	/* owned; while a fanout is on */
	struct facts *facts;		/* borrowed; what probes tell */
	struct verify *verify;		/* owned; while --verify is on */
	unsigned stops;			/* how often a stop was asked for */
	int signo;			/* the signal that did; 0: --for */
	const char *stop_why;		/* for the hosts that had no end then */
	enum report_verdict stop_verdict;
	int status;			/* of what is not a host's: 0 or exit */
	bool done;			/* run_done() was called */
	/* Called when a signal or --for asks to stop; may be NULL. */
	void (*on_stop)(struct run *r);
	/* Called when the last host has ended; may be NULL. */
	void (*on_all)(struct run *r);
};

int run_init(struct run *r, const struct unlock_opts *o,
	const struct cfg *cfg, const struct plan *plan, struct err *e);
void run_clear(struct run *r);

/* What a way does when. */
struct run_ops {
	/* Begin with host i: for the pool, once pool_run() was called. */
	void (*connect)(void *run, size_t i);
	void (*on_stop)(struct run *r);		/* see struct run */
	void (*on_all)(struct run *r);
};

/* run_begin(): what each way begins with: size bytes of its own, zeroed, as
 * r->way, the hooks and the pool. 0, or -1 ERR_MEM. */
int run_begin(struct run *r, size_t size, const struct run_ops *ops,
	struct err *e);

/* run_loop(): until run_done(); then the exit status of the whole. */
int run_loop(struct run *r, struct err *e);
/* run_done(): nothing is left to do. The loop ends when the pusher, if there
 * is one, has cleaned up on its host. */
void run_done(struct run *r);

/* run_spec(): what every session to host h has in common. */
void run_spec(struct run *r, struct run_host *h, struct session_spec *s);

/* run_keys(): make h's keys, one a row; not before its turn has come. 0, or
 * -1 as key_random(). */
int run_keys(struct run *r, struct run_host *h, struct err *e);
/* run_send_keys(): queue them for child c, a line each. The session must
 * end before run_clear() frees them. 0, or -1 ERR_MEM, ERR_PEER. */
int run_send_keys(struct run_host *h, struct child *c, struct err *e);

/* run_state(): report, unless h has ended. */
void run_state(struct run_host *h, enum progress_kind kind, const char *state,
	const char *detail);
/* run_host_end(): h's part is over with verdict v; its session may go on, by
 * its own deadlines, until run_clear(). state and detail are shown. A second
 * call is a no-op. May call r->on_all. */
void run_host_end(struct run_host *h, enum report_verdict v,
	const char *state, const char *detail);
/* run_host_lost(): the same from how a session ended; the detail is ssh's
 * reason, or the refusal that the script gave before. */
void run_host_lost(struct run_host *h, const struct session_end *end);
/* run_refused(): a script's "refuse CODE TEXT": host ends as failed (busy:
 * later) with a line that a person can act upon. */
void run_refused(struct run_host *h, const char *text);

#endif
