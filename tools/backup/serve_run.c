/* SPDX-License-Identifier: ISC */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "prune.h"
#include "serve.h"
#include "sink.h"
#include "store_build.h"
#include "store_evict.h"
#include "store_rec.h"
#include "store_remove.h"
#include "store_runs.h"
#include "ui/log.h"

/*
 * A backup, at the store: make room and .incoming (a worker), let rsync fill
 * it (a transfer), make it a snapshot (a worker). Whatever fails on the way
 * leaves .incoming, which the next run goes on with.
 */

#define PROGRESS_MS 500
#define TICK_MS 1000

enum { STEP_SYNC, STEP_MANIFEST };

struct run {
	struct store_build build;
	struct store_rec rec;
	struct reply now;		/* how far it is, and the figures */
	uint64_t begin_ms, said_ms;
	char snapshot[STORE_SNAP_MAX];
	char warning[256];
	bool finishing;			/* the snapshot is being made */
	struct loop_timer *tick;
	atomic_int step;		/* of the finish; set by its thread */
	atomic_ullong hashed;		/* bytes */
};

static struct run *
run_of(struct serve *s)
{
	return s->op;
}

static void
run_free(struct serve *s)
{
	struct run *r = run_of(s);

	loop_timer_free(r->tick);
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

/* What the owner's status tells of; the client's word comes last. */
static void
note(struct serve *s, const struct err *e)
{
	struct run *r = run_of(s);
	struct store_run line = { .time_s = s->store.now(), .op = "run",
		.files = r->now.files, .bytes = r->now.bytes,
		.seconds = (loop_now_ms(s->loop) - r->begin_ms) / 1000 };
	struct err why = ERR_INIT;

	snprintf(line.state, sizeof(line.state), "%s", e != NULL ?
	    STORE_RUNS_FAILED : r->rec.partial ? STORE_RUNS_WARN :
	    STORE_RUNS_OK);
	snprintf(line.snapshot, sizeof(line.snapshot), "%s", r->snapshot);
	snprintf(line.message, sizeof(line.message), "%.390s", e != NULL ?
	    e->msg : r->warning);
	if (store_runs_add(&s->client, &line, &why) == -1)
		log_err(&why);
}

/* A client that goes away while its snapshot is made has it all the same. */
static bool
lost(struct serve *s, const struct err *e)
{
	if (run_of(s)->finishing)
		return true;
	if (s->answered)
		note(s, e);
	return false;
}

/* --- after the transfer --- */

/* In the thread: what the loop tells of it is in atomics. */
static int
catalogue_progress(void *arg, const struct manifest_stats *sofar,
    struct err *e)
{
	struct run *r = run_of(arg);

	atomic_store(&r->hashed, sofar->hashed_bytes);
	return 0;
}

static int
catalogue(struct serve *s, struct err *e)
{
	struct manifest_stats stats = { 0 };
	struct catalog c;
	int rc;

	rc = index_open(&s->client, true, &c, e);
	if (rc == 0)
		rc = index_sync(&s->client, &c, catalogue_progress, s, &stats,
		    e);
	catalog_close(&c);
	return rc;
}

/* How far the thread is, once a second. */
static void
on_tick(void *arg)
{
	struct serve *s = arg;
	struct run *r = run_of(s);
	struct reply p = { .files = r->now.files };

	snprintf(p.phase, sizeof(p.phase), "%s",
	    atomic_load(&r->step) == STEP_MANIFEST ? "manifest" : "sync");
	p.bytes = atomic_load(&r->hashed);
	serve_progress(s, &p);
}

static int
finish(void *arg, struct err *e)
{
	struct serve *s = arg;
	struct run *r = run_of(s);
	struct strv removed = { 0 };
	struct err why = ERR_INIT;

	if (store_build_finish(&s->client, &r->build, &r->rec, r->snapshot,
	    e) == -1)
		return -1;
	/* The snapshot is there: what old ones are left is no failure of it. */
	if (prune_client(&s->client, &s->policy, false, &removed, &why) == -1)
		snprintf(r->warning, sizeof(r->warning), "old snapshots: %.230s",
		    why.msg);
	strv_clear(&removed);
	why = (struct err)ERR_INIT;
	atomic_store(&r->step, STEP_MANIFEST);
	if (catalogue(s, &why) == -1)
		snprintf(r->warning, sizeof(r->warning), "the catalogue: "
		    "%.230s", why.msg);
	return 0;
}

static void
refuse(struct serve *s, const struct err *e)
{
	note(s, e);
	serve_refuse(s, e);
}

static void
on_finished(void *arg, const struct err *e)
{
	struct serve *s = arg;
	struct run *r = run_of(s);

	loop_timer_stop(r->tick);
	if (e != NULL) {
		refuse(s, e);
		return;
	}
	note(s, NULL);
	r->now.phase[0] = '\0';
	r->now.seconds = r->rec.seconds;
	r->now.vanished = r->rec.partial;
	snprintf(r->now.snapshot, sizeof(r->now.snapshot), "%s",
	    r->snapshot);
	serve_result(s, &r->now);
}

static void
on_over(void *arg)
{
	struct serve *s = arg;
	struct run *r = run_of(s);
	struct err e = ERR_INIT;
	const char *why = sink_why(s->xfer.rc);

	/* The sender's own status says more where ours only lost it. */
	if ((why != NULL && sink_why(s->xfer.peer_rc) != NULL &&
	    s->xfer.rc == 12) || why == NULL)
		why = sink_why(s->xfer.peer_rc);
	if (why != NULL) {
		err_set(&e, ERR_PEER, "%s (rsync's status here %d, there %d): "
		    "%s; what came so far is kept for the next run", why,
		    s->xfer.rc, s->xfer.peer_rc, s->xfer.said);
		refuse(s, &e);
		return;
	}
	r->rec.partial = s->xfer.rc == 24 || s->xfer.peer_rc == 24;
	r->rec.files = r->now.files;
	r->rec.bytes = r->now.bytes;
	r->rec.added = r->now.added;
	r->rec.seconds = (loop_now_ms(s->loop) - r->begin_ms) / 1000;
	r->finishing = true;
	r->tick = loop_timer_new(s->loop, TICK_MS, TICK_MS, on_tick, s, &e);
	if (r->tick == NULL) {
		refuse(s, &e);
		return;
	}
	phase(s, "sync");
	worker_free(s->worker);
	s->worker = worker_start(s->loop, finish, on_finished, s, &e);
	if (s->worker == NULL)
		refuse(s, &e);
}

static void
on_line(void *arg, enum child_stream stream, const char *line, size_t len,
    bool cut)
{
	struct serve *s = arg;
	struct run *r = run_of(s);
	uint64_t now = loop_now_ms(s->loop);

	if (stream != CHILD_STDOUT || !sink_line(line, &r->now) ||
	    now < r->said_ms + PROGRESS_MS)
		return;
	r->said_ms = now;
	serve_progress(s, &r->now);
}

/* --- before it --- */

/* What the key's line says, and the file may say less. */
static uint64_t
quota(const struct serve *s)
{
	uint64_t conf = s->policy.quota > 0 ? (uint64_t)s->policy.quota : 0;

	if (s->o->quota_set && (conf == 0 || s->o->quota < conf))
		return s->o->quota;
	return conf;
}

/* The owner's limit of how often a client may come. */
static int
too_soon(const struct serve *s, struct err *e)
{
	struct store_runs runs = { 0 };
	struct store_runs_state st;
	int64_t ago_s, limit_s = (s->policy.rate_limit + 999) / 1000;
	int rc = 0;

	if (limit_s <= 0)
		return 0;
	if (store_runs_read(&s->client, &runs, e) == -1)
		return -1;
	store_runs_state(&runs, s->store.now(), &st);
	/* A clock that was set back must not lock anybody out. */
	if (st.last != NULL) {
		ago_s = s->store.now() - st.last->time_s;
		if (ago_s >= 0 && ago_s < limit_s)
			rc = err_set(e, ERR_BUSY, "the last run ended %lld s "
			    "ago; the store allows one in %lld s",
			    (long long)ago_s, (long long)limit_s);
	}
	store_runs_clear(&runs);
	return rc;
}

static int
prepare(void *arg, struct err *e)
{
	struct serve *s = arg;
	const struct store_space_rules rules = {
		.min_free = s->o->conf.store.min_free > 0 ?
		    (uint64_t)s->o->conf.store.min_free : 0,
		.quota = quota(s),
		.min_keep = (size_t)s->policy.min_keep,
		.across = s->o->conf.store.evict_others == 1 };
	struct strv removed = { 0 };
	int rc = -1;

	if (too_soon(s, e) == 0 && store_remove_sweep(&s->client, e) == 0 &&
	    store_evict(&s->client, &rules, &removed, e) == 0)
		rc = store_build_begin(&s->client, &run_of(s)->build, e);
	strv_clear(&removed);
	return rc;
}

static void
on_prepared(void *arg, const struct err *e)
{
	static const struct xfer_calls calls = { on_line, on_over };
	struct serve *s = arg;
	struct run *r = run_of(s);
	struct sink_spec sink = { .dir = s->client.path,
		.target = STORE_INCOMING "/", .exact = true,
		.link_dest = r->build.link_dest,
		.in_place = r->build.backend == STORE_BTRFS,
		.fake_super = s->policy.metadata == METADATA_FAKE_SUPER,
		.privileged = s->policy.metadata == METADATA_REAL,
		.one_file_system = s->req.one_file_system,
		.compress = s->req.compress };
	struct reply a = { .resumed = r->build.resumed };
	struct half_calls half;
	struct err why = ERR_INIT;

	if (e != NULL) {
		/* One that came too soon would put off the next for ever. */
		if (e->code == ERR_BUSY)
			serve_refuse(s, e);
		else
			refuse(s, e);
		return;
	}
	snprintf(a.basis, sizeof(a.basis), "%s", r->build.prev);
	xfer_init(&s->xfer, s->chan, &calls, s);
	half = xfer_calls(&s->xfer);
	s->xfer.half = sink_start(s->loop, &sink, &half, &why);
	if (s->xfer.half == NULL || serve_go_on(s, &a, &why) == -1) {
		refuse(s, &why);
		return;
	}
	phase(s, "transfer");
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
	r->rec.real = s->policy.metadata == METADATA_REAL;
	snprintf(r->rec.mode, sizeof(r->rec.mode), "channel");
	snprintf(r->rec.rsync, sizeof(r->rec.rsync), "%s", s->req.rsync);
	if (copy(&s->req.roots, &r->rec.roots) == -1 ||
	    copy(&s->req.excludes, &r->rec.excludes) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (store_client_lock(&s->client, 0, e) == -1)
		return -1;
	phase(s, "space");
	s->worker = worker_start(s->loop, prepare, on_prepared, s, e);
	return s->worker != NULL ? 0 : -1;
}
