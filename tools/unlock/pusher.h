/* SPDX-License-Identifier: ISC */
/*
 * pusher: csync2 on the host that pushes, through one session with the
 * script push.sh (pipe way) or push-fifo.sh (--fifo, --shared), on this
 * machine or, with --from, on another. We say which job starts when; the
 * script runs them side by side and says how each ended. When we are gone it
 * ends them all.
 */
#ifndef POSTERN_PUSHER_H
#define POSTERN_PUSHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "secret/secret.h"
#include "ssh/session.h"

struct pusher;
struct run;
struct run_host;

/* All may be NULL. text: a peer's, to be escaped before it is shown. */
struct pusher_ops {
	void (*on_ready)(void *arg);
	void (*on_scanned)(void *arg, size_t set, size_t nfiles);
	/* What csync2 and the host's own actions (do-local) said in it. */
	void (*on_scan_text)(void *arg, size_t set, const char *text);
	void (*on_scan_failed)(void *arg, size_t set, const char *text);
	/* kind: "out", "dirty". */
	void (*on_text)(void *arg, size_t job, const char *kind,
		const char *text);
	void (*on_end)(void *arg, size_t job, unsigned rc);
	/* ssh forwards remote_port there to our local_port (--from). */
	void (*on_forward)(void *arg, uint16_t remote_port,
		uint16_t local_port);
	/* The session is over; no callback follows. why names the host;
	 * later: it may well work another time (busy, unreachable). */
	void (*on_dead)(void *arg, const char *why, bool later);
	void *arg;
};

/* pusher_start(): r->pusher, whose host has no other part in the run. script
 * and vars as session_spec; forwards: -R specs, or NULL. 0, or -1 as
 * session_start(). */
int pusher_start(struct run *r, const char *script, const struct strv *vars,
	const struct strv *forwards, const struct pusher_ops *ops,
	struct err *e);
/* pusher_fifo_start(): the same with push-fifo.sh and what it has to know. */
int pusher_fifo_start(struct run *r, const struct pusher_ops *ops,
	struct err *e);
void pusher_free(struct pusher *p);		/* NULL is legal */

/* pusher_conf(): the configuration of a set, then one scan with it. dir: the
 * folder on that host where scans persist, "-" for none. */
int pusher_conf(struct pusher *p, size_t set, size_t nkeys,
	const struct buf *conf, const char *dir, struct err *e);
/* pusher_job(): start a job: "push JOB ARGS" and a line for each key. keys
 * are borrowed until the pusher is freed. */
int pusher_job(struct pusher *p, size_t job, const char *args,
	struct secret *const *keys, size_t nkeys, struct err *e);
/* pusher_fifo_job(): the same for push-fifo.sh, whose jobs take a key for
 * every FIFO that the pusher's csync2 reads: h's own, and one that nobody
 * knows for groups that h is not in (--shared: the one key of all). */
int pusher_fifo_job(struct pusher *p, struct run_host *h, size_t job,
	const char *peers, struct err *e);
/* pusher_is_sum(): csync2's last line, "Finished with 1 errors.": what came
 * before it says more. */
bool pusher_is_sum(const char *text);
int pusher_stop(struct pusher *p, size_t job, struct err *e);
/* pusher_quit(): no more jobs; it ends by itself. */
void pusher_quit(struct pusher *p);
/* pusher_leave(): the same, and done(arg) once its session is over, by the
 * deadline at the latest; on_dead is not called any more. Until then the
 * pushing host may hold locks and keys. false: it is over already. */
bool pusher_leave(struct pusher *p, void (*done)(void *arg), void *arg);

#endif
