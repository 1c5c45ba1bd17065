/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "hook.h"
#include "serve_dial.h"
#include "serve_run.h"
#include "sink.h"
#include "store_remove.h"
#include "ui/log.h"

/*
 * A backup, at the store: make room and .incoming (a worker), let rsync fill
 * it (a transfer), make it a snapshot (a worker, serve_settle.c). Whatever
 * fails on the way leaves .incoming, which the next run goes on with; but not
 * what took more than the client may have.
 */

#define PROGRESS_MS 500
#define NOT_DELETED "IO error encountered"	/* of rsync's --delete */

struct run *
run_of(struct serve *s)
{
	return s->op;
}

static void
run_free(struct serve *s)
{
	struct run *r = run_of(s);

	hook_free(r->hook);
	guard_free(r->guard);
	loop_timer_free(r->tick);
	serve_dial_free(r->dial);
	store_rec_clear(&r->rec);
	free(r);
	s->op = NULL;
}

static void
phase(struct serve *s, const char *name)
{
	struct run *r = run_of(s);

	snprintf(r->now.phase, sizeof(r->now.phase), "%s", name);
	serve_progress(s, &r->now);
}

static void give_up(struct serve *s);

/* on_over() comes, or, when nothing goes on yet, its consequence at once. */
static void
end_transfer(struct serve *s)
{
	struct run *r = run_of(s);

	if (r->dial != NULL)
		serve_dial_lost(r->dial);
	else if (s->op_key == NULL)
		xfer_lost(&s->xfer);
	else {
		s->op_key = NULL;
		give_up(s);
	}
}

/* A client that goes away while its snapshot is made has it all the same.
 * Before that, rsync is given the time to keep a file that came in part, and a
 * worker that makes room the time to end: on_prepared() looks at .lost. */
static bool
lost(struct serve *s, const struct err *e)
{
	struct run *r = run_of(s);

	if (r->finishing || r->ending || r->lost.code != ERR_NONE)
		return true;
	if (!r->hooked)
		return false;
	r->lost = *e;
	if (run_before_stop(s))
		run_refuse(s, e);
	else if (s->answered)
		end_transfer(s);
	return true;
}

static int
discard(void *arg, struct err *e)
{
	struct serve *s = arg;

	return store_remove_incoming(&s->client, e);
}

static void
on_discarded(void *arg, const struct err *e)
{
	struct serve *s = arg;

	if (e != NULL)
		log_err(e);
	run_refuse(s, &run_of(s)->lost);
}

/* The transfer was given up. */
static void
give_up(struct serve *s)
{
	struct run *r = run_of(s);
	struct err e = ERR_INIT;

	if (r->discard) {
		worker_free(s->worker);
		s->worker = worker_start(s->loop, discard, on_discarded, s,
		    &e);
		if (s->worker != NULL)
			return;
		log_err(&e);
	}
	run_refuse(s, &r->lost);
}

/* A guard's. */
static void
on_full(void *arg, const struct err *e)
{
	struct serve *s = arg;
	struct run *r = run_of(s);

	if (r->finishing || r->ending || r->lost.code != ERR_NONE)
		return;
	r->lost = *e;
	r->discard = e->code == ERR_REFUSED;
	end_transfer(s);
}

static void
on_over(void *arg)
{
	struct serve *s = arg;
	struct run *r = run_of(s);
	struct err e = ERR_INIT;
	const char *why;

	/* The client speaks for its own files. Ours has its status from there
	 * when that is the greater one, which would hide a 23 of its own. */
	if (s->xfer.peer_rc == UNREAD_VANISHED &&
	    (s->xfer.rc == UNREAD_PARTIAL || s->xfer.rc == UNREAD_VANISHED))
		s->xfer.rc = r->complained ? UNREAD_PARTIAL : UNREAD_VANISHED;
	why = sink_why(s->xfer.rc);
	if (r->lost.code != ERR_NONE) {
		give_up(s);
		return;
	}
	/* The sender's own status says more where ours only lost it. */
	if ((why != NULL && sink_why(s->xfer.peer_rc) != NULL &&
	    s->xfer.rc == 12) || why == NULL)
		why = sink_why(s->xfer.peer_rc);
	if (why != NULL && guard_crowded(r->guard, &r->lost)) {
		r->discard = true;
		give_up(s);
		return;
	}
	if (why != NULL) {
		err_set(&e, ERR_PEER, "%s (rsync's status here %d, there %d): "
		    "%s; what came so far is kept for the next run", why,
		    s->xfer.rc, s->xfer.peer_rc, s->xfer.said);
		run_refuse(s, &e);
		return;
	}
	r->rec.partial = s->xfer.rc == UNREAD_VANISHED ||
	    s->xfer.peer_rc == UNREAD_VANISHED;
	r->rec.files = r->now.files;
	r->rec.bytes = r->now.bytes;
	r->rec.added = r->now.added;
	r->rec.seconds = (loop_now_ms(s->loop) - r->begin_ms) / 1000;
	r->doubt = run_doubt(r);
	guard_free(r->guard);
	r->guard = NULL;
	run_settle(s);
}

static void
on_line(void *arg, enum child_stream stream, const char *line, size_t len,
    bool cut)
{
	struct serve *s = arg;
	struct run *r = run_of(s);
	uint64_t now = loop_now_ms(s->loop);

	/* Without its deletions a snapshot would have what is gone. */
	if ((stream == CHILD_STDERR && unread_complaint(line)) ||
	    strncmp(line, NOT_DELETED, sizeof(NOT_DELETED) - 1) == 0)
		r->complained = true;
	if (stream != CHILD_STDOUT || !sink_line(line, &r->now) ||
	    now < r->said_ms + PROGRESS_MS)
		return;
	r->said_ms = now;
	serve_progress(s, &r->now);
}

/* --- before it --- */

/* What the owner lets a pull take; rsync asks the sender for it. */
static int64_t
bandwidth(const struct serve *s)
{
	if (s->o->bandwidth > 0)
		return (int64_t)s->o->bandwidth;
	return s->pull != NULL ? s->pull->bandwidth : 0;
}

static struct sink_spec
sink_of(struct serve *s)
{
	struct run *r = run_of(s);

	return (struct sink_spec){ .dir = s->client.path,
		.target = STORE_INCOMING "/", .exact = true,
		.link_dest = r->build.link_dest,
		.in_place = r->build.backend == STORE_BTRFS,
		.fake_super = s->policy.metadata == METADATA_FAKE_SUPER,
		.privileged = s->policy.metadata == METADATA_REAL,
		.uid = s->client.recv_uid, .gid = s->client.recv_gid,
		.one_file_system = s->req.one_file_system,
		.roots = s->req.one_file_system ? &s->req.roots : NULL,
		.bandwidth = bandwidth(s), .compress = s->req.compress };
}

static const struct xfer_calls calls = { .on_line = on_line,
	.on_over = on_over };

/* The client's rsync is at the other end of the channel. */
static int
join(struct serve *s, struct err *e)
{
	const struct sink_spec sink = sink_of(s);
	struct half_calls half;

	xfer_init(&s->xfer, s->chan, &calls, s);
	half = xfer_calls(&s->xfer);
	s->xfer.half = sink_start(s->loop, &sink, &half, e);
	return s->xfer.half != NULL ? 0 : -1;
}

/* We go to it: with the key that the client's one-time sshd takes, or as the
 * owner. d: taken; NULL: *e says why. */
static void
dial(struct serve *s, struct serve_dial *d, struct err *e)
{
	const struct sink_spec sink = sink_of(s);

	run_of(s)->dial = d;
	if (d == NULL || serve_dial_start(d, &sink, &calls, e) == -1)
		run_refuse(s, e);
	else
		phase(s, "transfer");
}

static void
on_key(struct serve *s, const void *key)
{
	struct err e = ERR_INIT;

	s->op_key = NULL;
	dial(s, serve_dial_direct(s, key, &e), &e);
}

static void
on_prepared(void *arg, const struct err *e)
{
	struct serve *s = arg;
	struct run *r = run_of(s);
	const struct guard_spec guard = { .client = &s->client,
		.prev = r->build.prev, .room = r->room, .base = r->base,
		.room_inodes = r->room_inodes, .resumed = r->build.resumed,
		.min_free = run_min_free(s) };
	struct reply a = { .resumed = r->build.resumed };
	struct err why = ERR_INIT;

	if (e != NULL || r->lost.code != ERR_NONE) {
		run_refuse(s, e != NULL ? e : &r->lost);
		return;
	}
	snprintf(a.basis, sizeof(a.basis), "%s", r->build.prev);
	if (s->chan != NULL && !s->req.direct && join(s, &why) == -1) {
		run_refuse(s, &why);
		return;
	}
	r->guard = guard_start(s->loop, &guard, on_full, s, &why);
	if (r->guard == NULL || serve_go_on(s, &a, &why) == -1) {
		run_refuse(s, &why);
		return;
	}
	if (s->chan == NULL)
		dial(s, serve_dial_plain(s, &why), &why);
	else if (s->req.direct)
		s->op_key = on_key;
	phase(s, s->op_key != NULL ? "connect" : "transfer");
}

static void
prepare(struct serve *s)
{
	struct err e = ERR_INIT;

	phase(s, "space");
	worker_free(s->worker);
	s->worker = worker_start(s->loop, run_prepare, on_prepared, s, &e);
	if (s->worker == NULL)
		run_refuse(s, &e);
}

static void
on_admitted(void *arg, const struct err *e)
{
	struct serve *s = arg;

	if (e != NULL)
		run_refuse(s, e);
	else
		run_before(s, prepare);
}

static int
copy(const struct strv *from, struct strv *to)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < from->n; i++)
		rc = strv_add(to, from->v[i]);
	return rc;
}

int
serve_run(struct serve *s, struct err *e)
{
	struct run *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	s->op = r;
	s->op_free = run_free;
	s->op_lost = lost;
	r->begin_ms = loop_now_ms(s->loop);
	r->rec.one_fs = s->req.one_file_system;
	snprintf(r->rec.mode, sizeof(r->rec.mode), "%s", s->chan == NULL ?
	    "pull-plain" : s->pull != NULL ? "pull" : s->req.direct ?
	    "direct" : "channel");
	if (s->req.job != NULL)
		snprintf(r->rec.job, sizeof(r->rec.job), "%s", s->req.job);
	s->client.job = s->req.job;
	r->rec.real = s->policy.metadata == METADATA_REAL;
	snprintf(r->rec.rsync, sizeof(r->rec.rsync), "%s", s->req.rsync);
	if (copy(&s->req.roots, &r->rec.roots) == -1 ||
	    copy(&s->req.excludes, &r->rec.excludes) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (serve_user(s, e) == -1)
		return -1;
	s->worker = worker_start(s->loop, run_admit, on_admitted, s, e);
	return s->worker != NULL ? 0 : -1;
}
