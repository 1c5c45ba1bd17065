/* SPDX-License-Identifier: ISC */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit.h"
#include "base/num.h"
#include "hook.h"
#include "search.h"
#include "serve.h"
#include "serve_snap.h"
#include "store_hold.h"
#include "stream.h"
#include "ui/log.h"

/*
 * find and verify, asked by a client of its own snapshots: a worker reads the
 * catalogue, or the snapshots, its rows go out as they come, and how far it is
 * once a second. A client that goes away, or its time being up, stops it; what
 * was verified by then is kept. When a verify found something or failed, the
 * store's on-failure is run, before the client hears of it.
 */

#define TICK_MS 1000
#define FIND_MAX 100000		/* rows */

struct query {
	struct stream *stream;
	struct loop_timer *tick;
	struct hook *hook;
	atomic_bool stop;
	atomic_uint found;		/* rows of a verify */
	pthread_mutex_t mutex;		/* of now, which the thread writes */
	struct reply now;
	struct reply sum;
	struct err err;			/* why there is no sum */
	struct err lost;		/* why it was stopped */
};

static void
query_free(struct serve *s)
{
	struct query *q = s->op;

	hook_free(q->hook);
	loop_timer_free(q->tick);
	stream_free(q->stream);
	pthread_mutex_destroy(&q->mutex);
	free(q);
	s->op = NULL;
}

static void
on_room(struct serve *s)
{
	struct query *q = s->op;

	if (q->stream != NULL)
		stream_room(q->stream);
}

/* It ends soon, with what it has. */
static bool
lost(struct serve *s, const struct err *e)
{
	struct query *q = s->op;

	/* The owner's command runs to its end, whoever goes away. */
	if (q->hook != NULL)
		return true;
	if (q->lost.code != ERR_NONE)
		return false;
	q->lost = *e;
	atomic_store(&q->stop, true);
	stream_stop(q->stream);
	return true;
}

static void
on_tick(void *arg)
{
	struct serve *s = arg;
	struct query *q = s->op;
	struct reply now;

	pthread_mutex_lock(&q->mutex);
	now = q->now;
	pthread_mutex_unlock(&q->mutex);
	if (now.phase[0] != '\0')
		serve_progress(s, &now);
}

/* --- in the thread --- */

static void
progress(void *arg, const struct reply *now)
{
	struct query *q = ((struct serve *)arg)->op;

	pthread_mutex_lock(&q->mutex);
	q->now = *now;
	pthread_mutex_unlock(&q->mutex);
}

static int
put(struct query *q, struct buf *row, int rc, struct err *e)
{
	if (rc == -1)
		rc = err_set(e, ERR_MEM, "out of memory");
	else
		rc = stream_put(q->stream, row->data, row->len, e);
	buf_clear(row);
	return rc;
}

static int
put_file(void *arg, const struct hits_file *f, struct err *e)
{
	struct buf b;

	buf_init(&b, HITS_RECORD_MAX);
	return put(((struct serve *)arg)->op, &b, hits_add_file(f, &b), e);
}

static int
put_found(void *arg, const struct hits_found *f, struct err *e)
{
	struct buf b;

	atomic_fetch_add(&((struct query *)((struct serve *)arg)->op)->found,
	    1);
	buf_init(&b, HITS_RECORD_MAX);
	return put(((struct serve *)arg)->op, &b, hits_add_found(f, &b), e);
}

static int
find(void *arg, struct err *e)
{
	struct serve *s = arg;
	struct query *q = s->op;
	const struct search_opts o = { .pattern = s->req.pattern,
		.snapshot = s->req.snapshot, .match = s->req.match,
		.max = FIND_MAX, .stop = &q->stop, .found = put_file,
		.progress = progress, .arg = s };

	return search_client(&s->client, &o, &q->sum, e);
}

static int
verify(void *arg, struct err *e)
{
	struct serve *s = arg;
	struct query *q = s->op;
	struct strv names = { .v = &s->req.snapshot, .n = 1 };
	uint64_t age = 0, sample = 0;
	struct audit_opts o = { .stop = &q->stop, .found = put_found,
		.progress = progress, .arg = s };

	if (s->req.snapshot != NULL)
		o.snapshots = &names;
	if ((s->req.max_age != NULL && num_u64(s->req.max_age, "max-age", 1,
	    UINT32_MAX, &age, e) == -1) || (s->req.sample != NULL &&
	    num_u64(s->req.sample, "sample", 1, 100, &sample, e) == -1))
		return -1;
	o.max_age_s = (int64_t)age;
	o.sample = (unsigned)sample;
	return audit_client(&s->client, &o, &q->sum, e);
}

/* --- its end --- */

static void
last_word(void *arg)
{
	struct serve *s = arg;
	struct query *q = s->op;

	if (q->lost.code != ERR_NONE)
		serve_refuse(s, &q->lost);
	else if (q->err.code != ERR_NONE)
		serve_refuse(s, &q->err);
	else
		serve_result(s, &q->sum);
}

static void
on_hook(void *arg, const struct err *e)
{
	struct serve *s = arg;

	if (e != NULL)
		log_err(e);
	last_word(s);
}

static void
rows_are_out(void *arg)
{
	struct serve *s = arg;
	struct query *q = s->op;
	struct reply r = q->sum;
	unsigned found = atomic_load(&q->found);
	const struct hook_spec spec = {
		.command = s->o->conf.store.on_failure, .name = "on-failure",
		.job = s->client.name, .result = &r,
		.limit_ms = settings_command_ms(&s->o->conf),
		.limit_key = SETTINGS_COMMAND_KEY };
	struct err e = ERR_INIT;

	if (q->err.code != ERR_NONE) {
		r = (struct reply){ .status = (uint64_t)err_exit(q->err.code) };
		snprintf(r.why, sizeof(r.why), "%s", q->err.msg);
	}
	/* Who hangs up hides nothing: what was found by then is told. */
	if (q->lost.code != ERR_NONE && found > 0) {
		r = (struct reply){ .status = 2, .found = found };
		snprintf(r.why, sizeof(r.why), "%u found before %s", found,
		    q->lost.msg);
	}
	if (s->req.op == REQUEST_VERIFY && r.status != 0 && r.status != 75 &&
	    (q->lost.code == ERR_NONE || found > 0) && spec.command != NULL) {
		q->hook = hook_start(s->loop, &spec, on_hook, s, &e);
		if (q->hook != NULL)
			return;
		log_err(&e);
	}
	last_word(s);
}

static void
on_end(void *arg, const struct err *e)
{
	struct serve *s = arg;
	struct query *q = s->op;

	loop_timer_stop(q->tick);
	if (e != NULL)
		q->err = *e;
	if (s->over)
		return;
	stream_over(q->stream, rows_are_out, s);
}

static int
start(struct serve *s, worker_fn *fn, struct err *e)
{
	struct query *q = calloc(1, sizeof(*q));
	struct reply a = { .status = 0 };
	int hold;

	if (q == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	pthread_mutex_init(&q->mutex, NULL);
	s->op = q;
	s->op_free = query_free;
	s->op_lost = lost;
	s->on_room = on_room;
	if (serve_snap_resolve(s, e) == -1)
		return -1;
	/* Whether it is this client's, and there is one. */
	if (s->req.snapshot != NULL) {
		if (store_hold_take(&s->client, s->req.snapshot, &hold, NULL,
		    e) == -1)
			return -1;
		close(hold);
	}
	q->stream = stream_new(s->loop, s->chan, e);
	q->tick = loop_timer_new(s->loop, TICK_MS, TICK_MS, on_tick, s, e);
	if (q->stream == NULL || q->tick == NULL ||
	    serve_go_on(s, &a, e) == -1)
		return -1;
	s->worker = worker_start(s->loop, fn, on_end, s, e);
	return s->worker != NULL ? 0 : -1;
}

int
serve_find(struct serve *s, struct err *e)
{
	return start(s, find, e);
}

int
serve_verify(struct serve *s, struct err *e)
{
	return start(s, verify, e);
}
