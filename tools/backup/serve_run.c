/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "hook.h"
#include "serve_dial.h"
#include "serve_run.h"
#include "store_btrfs.h"
#include "ui/log.h"

/*
 * A backup, at the store: make room and .incoming (a worker), let rsync fill
 * it (a transfer), make it a snapshot (a worker, serve_settle.c). Whatever
 * fails on the way leaves .incoming, which the next run goes on with; but not
 * what took more than the client may have.
 */

/* Of a client's rsync, a daemon's greeting. */
#define EARLY_MAX ((size_t)16384)

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
	version_clear(&r->rsync);
	strv_clear(&r->torn);
	store_rec_clear(&r->rec);
	changes_clear(&r->changes);
	buf_clear(&r->text);
	buf_clear(&r->early);
	free(r);
	s->op = NULL;
}

void
run_phase(struct serve *s, const char *name)
{
	struct run *r = run_of(s);

	snprintf(r->now.phase, sizeof(r->now.phase), "%s", name);
	serve_progress(s, &r->now);
}

/* .incoming is there, and our rsync's version is known where it matters. */
static void
begin(struct serve *s)
{
	struct run *r = run_of(s);
	const struct guard_spec guard = { .client = &s->client,
		.prev = r->build.prev, .room = r->room, .base = r->base,
		.room_inodes = r->room_inodes, .resumed = r->build.resumed,
		.min_free = run_min_free(s) };
	struct reply a = { .resumed = r->build.resumed,
		.since = r->build.listed };
	struct err why = ERR_INIT;

	if (!r->prepared || r->asking)
		return;
	if (r->lost.code != ERR_NONE) {
		run_refuse(s, &r->lost);
		return;
	}
	snprintf(a.basis, sizeof(a.basis), "%s", r->build.prev);
	if (r->build.listed)
		s->op_frame = run_changes;
	else if (s->chan != NULL && !s->req.direct && run_join(s, &why) ==
	    -1) {
		run_refuse(s, &why);
		return;
	}
	r->guard = guard_start(s->loop, &guard, run_full, s, &why);
	if (r->guard == NULL || serve_go_on(s, &a, &why) == -1) {
		run_refuse(s, &why);
		return;
	}
	if (s->chan == NULL)
		run_dial(s);
	else if (s->req.direct)
		s->op_key = run_key;
	run_phase(s, s->op_key != NULL ? "connect" : r->build.listed ?
	    "compare" : "transfer");
}

static void
on_prepared(void *arg, const struct err *e)
{
	struct serve *s = arg;

	if (e != NULL) {
		run_refuse(s, e);
		return;
	}
	run_of(s)->prepared = true;
	begin(s);
}

static void
on_version(void *arg)
{
	run_of(arg)->asking = false;
	begin(arg);
}

/* Beside the worker, since each run would wait for it. Only of a copy of the
 * last snapshot, and of what a broken run left, is there something to be
 * changed. */
static void
ask_version(struct serve *s)
{
	struct run *r = run_of(s);
	struct err e = ERR_INIT;

	if (!store_btrfs_is(s->client.fd) && faccessat(s->client.fd,
	    STORE_INCOMING, F_OK, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	r->rsync.on_end = on_version;
	r->rsync.arg = s;
	r->asking = version_start(&r->rsync, s->loop, &e) == 0;
	if (!r->asking)
		log_err(&e);
}

static void
prepare(struct serve *s)
{
	struct err e = ERR_INIT;

	run_phase(s, "space");
	ask_version(s);
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
	s->op_lost = run_lost;
	r->begin_ms = loop_now_ms(s->loop);
	r->rec.one_fs = s->req.one_file_system;
	snprintf(r->rec.mode, sizeof(r->rec.mode), "%s", s->chan == NULL ?
	    "pull-plain" : s->pull != NULL ? "pull" : s->req.direct ?
	    "direct" : "channel");
	if (s->req.job != NULL)
		snprintf(r->rec.job, sizeof(r->rec.job), "%s", s->req.job);
	s->client.job = s->req.job;
	s->client.since = s->chan != NULL && !s->req.direct ? s->req.since :
	    NULL;
	buf_init(&r->text, CHANGES_MAX);
	buf_init(&r->early, EARLY_MAX);
	s->client.narrow = s->chan == NULL && s->req.one_file_system;
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
