/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "conn.h"
#include "direct.h"
#include "mounts.h"
#include "offer.h"
#include "rules.h"
#include "run.h"
#include "run_around.h"
#include "show.h"
#include "source.h"
#include "sys/clock.h"
#include "ui/log.h"
#include "version.h"

/*
 * A job of postern backup run: the machine that is backed up asks for it. The
 * store answers, our confined half lets it read the roots, and its result ends
 * it.
 */

struct run {
	struct loop *loop;
	struct backup_opts *o;
	struct settings_job *job;
	struct conn *conn;
	struct direct *direct;		/* mode = direct, or NULL */
	struct strv peers;		/* likewise: where the store is */
	struct offer *offer;		/* mode = channel */
	struct show *show;
	struct loop_timer *limit;
	uint64_t begin_ms;		/* clock_ms() */
	struct reply result;
	bool done;			/* a result came */
	bool interrupted;
	struct err err;			/* why there is none */
};

static void
fail(struct run *r, const struct err *e)
{
	if (r->err.code == ERR_NONE)
		r->err = *e;
	loop_stop(r->loop);
}

static void
on_answer(void *arg, const struct reply *a)
{
	struct run *r = arg;
	struct err e = ERR_INIT;

	if (a->status != 0) {
		err_set(&e, a->status == 75 ? ERR_BUSY : ERR_REFUSED, "%s: %s",
		    r->job->destination, a->why);
		fail(r, &e);
		return;
	}
	show_answer(r->show, a);
	if ((r->direct != NULL ?
	    direct_open(r->direct, conn_chan(r->conn), &e) :
	    offer_answer(r->offer, conn_chan(r->conn), a->since, &e)) == -1)
		fail(r, &e);
}

static int
on_frame(void *arg, char type, const char *data, size_t len, struct err *e)
{
	struct run *r = arg;
	struct xfer *x = &r->offer->reader.xfer;
	struct reply p;

	if ((type == MSG_DATA || type == MSG_END) && r->direct == NULL)
		return offer_frame(r->offer, type, data, len, e);
	if (reply_parse(data, len, &p, e) == -1)
		return -1;
	if (type == MSG_PROGRESS) {
		show_progress(r->show, &p);
		return 0;
	}
	if (r->direct != NULL) {
		x->rc = direct_rc(r->direct);
		x->over = x->rc != -1;
		if (x->rc == UNREAD_VANISHED)
			direct_late(r->direct, x->said, XFER_SAID);
	}
	/* It may lie of what it has kept, but not of what it has read. */
	if (p.status == 0 && (!x->over || (x->rc != 0 &&
	    x->rc != UNREAD_VANISHED)))
		return err_set(e, ERR_PEER, "it claims a backup of what it has "
		    "not read%s%s", x->over ? ": " : "", x->said);
	r->result = p;
	r->done = true;
	offer_keep(r->offer, &r->result);
	return 0;
}

static void
on_room(void *arg)
{
	struct run *r = arg;

	offer_room(r->offer);
}

static void
on_end(void *arg, const struct err *e)
{
	if (!((struct run *)arg)->done)
		fail(arg, e);
}

static void
on_limit(void *arg)
{
	struct run *r = arg;
	struct err e = ERR_INIT;

	err_set(&e, ERR_TIMEOUT, "%s: not done within %g s (timeout)",
	    r->job->destination, (double)r->job->timeout / 1000);
	fail(r, &e);
}

static void
on_signal(void *arg, int signo)
{
	struct err e = ERR_INIT;

	((struct run *)arg)->interrupted = true;
	err_set(&e, ERR_REFUSED, "interrupted: what came so far is kept for "
	    "the next run");
	fail(arg, &e);
}

static void
on_gate_line(void *arg, const char *line)
{
	struct run *r = arg;

	log_warn("%s: the gate to this machine: %s", r->job->section, line);
}

/* The store's result says what came of the session. */
static void
on_session_end(void *arg, const struct err *e)
{
	if (e != NULL)
		fail(arg, e);
}

static int
start_direct(struct run *r, struct request *q, struct err *e)
{
	const struct direct_calls calls = { on_gate_line, on_session_end, r };

	r->direct = direct_new(r->loop, r->job, &r->peers, &calls, e);
	return r->direct != NULL ? direct_request(r->direct, q, e) : -1;
}

static int
request(const struct run *r, struct request *q, struct err *e)
{
	const struct settings_job *j = r->job;

	*q = (struct request){ .op = REQUEST_RUN,
		.progress = show_live(r->show),
		.one_file_system = j->one_file_system == 1,
		.compress = j->compress == COMPRESS_ZSTD ?
		    REQUEST_COMPRESS_ZSTD : j->compress == COMPRESS_ZLIB ?
		    REQUEST_COMPRESS_ZLIB : REQUEST_COMPRESS_NONE };
	q->roots = j->roots;		/* borrowed: never request_clear()ed */
	q->excludes = j->excludes;
	q->job = j->name;
	q->since = (char *)(uintptr_t)offer_since(r->offer);
	if (j->one_file_system == 1 &&
	    mounts_read(&j->roots, &q->mounts, e) == -1)
		return -1;
	return version_rsync(&q->rsync, e);
}

/* The run's time, of which `before` has had its part. */
static int
set_limit(struct run *r, struct err *e)
{
	uint64_t limit = (uint64_t)r->job->timeout;
	uint64_t gone = clock_ms() - r->begin_ms;

	if (r->job->timeout <= 0)
		return 0;
	r->limit = loop_timer_new(r->loop, gone < limit ? limit - gone : 0, 0,
	    on_limit, r, e);
	return r->limit != NULL ? 0 : -1;
}

static void
on_offer_failed(void *arg, const struct err *e)
{
	fail(arg, e);
}

static void
on_kept(void *arg)
{
	loop_stop(((struct run *)arg)->loop);
}

static int
start(struct run *r, struct err *e)
{
	const struct offer_calls offer_calls = { on_offer_failed, on_kept,
		r };
	static const struct conn_calls calls = { on_answer, on_frame, on_room,
		on_end };
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	struct request q;
	size_t i;
	int rc;

	if (r->job->mode == MODE_DIRECT &&
	    direct_peers(r->job, &r->peers, e) == -1)
		return -1;
	r->loop = loop_new(e);
	if (r->loop == NULL)
		return -1;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (loop_signal(r->loop, signals[i], on_signal, r, e) == -1)
			return -1;
	r->show = show_new(r->loop, r->o, r->job, e);
	if (r->show == NULL)
		return -1;
	if (set_limit(r, e) == -1)
		return -1;
	r->offer = offer_new(r->loop, r->job, r->o->full, &offer_calls, e);
	if (r->offer == NULL)
		return -1;
	rc = request(r, &q, e);
	if (rc == 0 && r->job->mode == MODE_DIRECT)
		rc = start_direct(r, &q, e);
	if (rc == 0) {
		r->conn = r->o->stdio ?
		    conn_stdio(r->loop, r->job, &q, &calls, r, e) :
		    conn_open(r->loop, r->job, &q, &calls, r, e);
		rc = r->conn != NULL ? 0 : -1;
	}
	/* Not before: to ask rsync and ssh about themselves is to wait for
	 * children, too. */
	if (rc == 0)
		offer_begin(r->offer);
	strv_clear(&q.mounts);
	free(q.rsync);
	free(q.port);
	free(q.host_key);
	free(q.user);
	return rc;
}

/* Which files failed or vanished, only the half that reads them was told. */
static void
add_own_words(struct run *r)
{
	const struct xfer *x = &r->offer->reader.xfer;
	char *why = r->result.why;
	size_t n = strlen(why);

	if (x->rc != 0 && x->said[0] != '\0' &&
	    (r->result.status != 0 || r->result.vanished > 0 ||
	    r->result.changed > 0))
		snprintf(why + n, sizeof(r->result.why) - n, "%s%s",
		    n > 0 ? "; here: " : "", x->said);
}

int
run_job(struct backup_opts *o, struct settings_job *j, bool *ret_interrupted)
{
	struct run r = { .o = o, .job = j, .begin_ms = clock_ms(),
		.err = ERR_INIT };
	struct err e = ERR_INIT;
	int status;

	if (run_command(j, "before", j->before, NULL, &e) == -1 ||
	    start(&r, &e) == -1 || loop_run(r.loop, &e) == -1)
		r.err = e;
	if (r.done)
		add_own_words(&r);
	offer_free(r.offer);
	conn_free(r.conn);
	direct_free(r.direct);
	strv_clear(&r.peers);
	loop_timer_free(r.limit);
	status = r.done ? (int)r.result.status : err_exit(r.err.code);
	if (!r.done) {
		r.result.status = (uint64_t)status;
		snprintf(r.result.why, sizeof(r.result.why), "%s", r.err.msg);
	}
	/* A failing `before` has an object, too. */
	if (r.show == NULL && o->json)
		r.show = show_new(r.loop, o, j, NULL);
	show_result(r.show, j, &r.result);
	show_free(r.show);
	loop_free(r.loop);
	e = (struct err)ERR_INIT;
	if (status != 0 && run_command(j, "on-failure", j->on_failure, &r.result,
	    &e) == -1)
		log_err(&e);
	e = (struct err)ERR_INIT;
	if (run_command(j, "after", j->after, &r.result, &e) == -1) {
		log_err(&e);
		status = status != 0 ? status : 1;
	}
	if (run_metrics(j, r.done ? &r.result : NULL, status, (clock_ms() -
	    r.begin_ms) / 1000, &e) == -1) {
		log_err(&e);
		status = status != 0 ? status : 1;
	}
	*ret_interrupted = r.interrupted;
	return status;
}

int
run_explain(const struct settings_job *j, struct err *e)
{
	const struct rules rules = { &j->roots, &j->excludes };
	struct buf b;
	int rc;

	buf_init(&b, RULES_TEXT_MAX);
	rc = rules_explain(&rules, j->mode == MODE_DIRECT, &b, e);
	if (rc == 0 && (printf("%s: %s would be asked for a backup\n%s",
	    j->section, j->destination, b.data) < 0 || fflush(stdout) != 0))
		rc = err_sys(e, "standard output");
	buf_clear(&b);
	return rc;
}
