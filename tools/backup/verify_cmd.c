/* SPDX-License-Identifier: ISC */
/* verify: what is stored against what arrived; in the store, or asked for over
 * ssh. */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "audit.h"
#include "backup.h"
#include "hook.h"
#include "owner.h"
#include "proc/worker.h"
#include "tell.h"
#include "ui/log.h"

#define TICK_MS 200

/* One client, while its snapshots are read. */
struct check {
	struct backup_opts *o;
	struct tell *tell;
	const char *what;		/* client or destination */
	/* On the store: a thread reads, the loop shows how far it is. */
	const struct store_client *client;
	const struct strv *snapshots;	/* none: all */
	struct loop *loop;
	atomic_bool stop;
	bool interrupted;
	pthread_mutex_t mutex;		/* standard output, and now */
	struct reply now;
	struct reply sum;
	struct err err;
};

static int
on_found(void *arg, const struct hits_found *f, struct err *e)
{
	struct check *c = arg;
	int rc;

	pthread_mutex_lock(&c->mutex);
	rc = tell_found(c->tell, f, e);
	fflush(stdout);
	pthread_mutex_unlock(&c->mutex);
	return rc;
}

/* --- on the store --- */

static void
on_progress(void *arg, const struct reply *now)
{
	struct check *c = arg;

	pthread_mutex_lock(&c->mutex);
	c->now = *now;
	pthread_mutex_unlock(&c->mutex);
}

static void
on_tick(void *arg)
{
	struct check *c = arg;

	pthread_mutex_lock(&c->mutex);
	if (c->now.phase[0] != '\0')
		tell_progress(c->tell, c->what, &c->now);
	pthread_mutex_unlock(&c->mutex);
}

static int
work(void *arg, struct err *e)
{
	struct check *c = arg;
	const struct audit_opts o = { .snapshots = c->snapshots,
		.max_age_s = (int64_t)((c->o->max_age_ms + 999) / 1000),
		.sample = (unsigned)c->o->sample, .stop = &c->stop,
		.found = on_found, .progress = on_progress, .arg = c };

	return audit_client(c->client, &o, &c->sum, e);
}

static void
on_end(void *arg, const struct err *e)
{
	struct check *c = arg;

	if (e != NULL)
		c->err = *e;
	loop_stop(c->loop);
}

static void
on_signal(void *arg, int signo)
{
	struct check *c = arg;

	c->interrupted = true;
	atomic_store(&c->stop, true);
}

/* 0, or -1: what there is to say of it is in c->sum. */
static int
run(struct check *c, struct err *e)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	struct loop_timer *tick = NULL;
	struct worker *worker = NULL;
	int rc = -1;
	size_t i;

	c->loop = loop_new(e);
	if (c->loop == NULL)
		return -1;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (loop_signal(c->loop, signals[i], on_signal, c, e) == -1)
			goto out;
	tick = loop_timer_new(c->loop, TICK_MS, TICK_MS, on_tick, c, e);
	if (tick == NULL)
		goto out;
	worker = worker_start(c->loop, work, on_end, c, e);
	if (worker == NULL)
		goto out;
	rc = loop_run(c->loop, e);
	atomic_store(&c->stop, true);
out:
	worker_free(worker);
	loop_timer_free(tick);
	loop_free(c->loop);
	c->loop = NULL;
	return rc;
}

/* The store's on-failure, as after a failed run: 2 and 1 alike. */
static void
tell_owner(struct check *c, const struct reply *r)
{
	const struct hook_spec spec = {
		.command = c->o->conf.store.on_failure, .name = "on-failure",
		.job = c->what, .result = r,
		.limit_ms = settings_command_ms(&c->o->conf),
		.limit_key = SETTINGS_COMMAND_KEY };
	struct err e = ERR_INIT;

	if (r->status != 0 && r->status != 75 && hook_run(&spec, &e) == -1)
		log_err(&e);
}

static int
check_client(struct check *c, const struct store_client *client,
    const struct strv *snapshots, struct err *e)
{
	struct reply r;

	/* That was for all of them. */
	if (c->interrupted)
		return err_set(e, ERR_REFUSED, "%s: not verified: interrupted",
		    client->name);
	atomic_store(&c->stop, false);
	c->client = client;
	c->what = client->name;
	c->snapshots = snapshots;
	c->now = c->sum = (struct reply){ 0 };
	c->err = (struct err)ERR_INIT;
	if (run(c, e) == -1)
		return -1;
	if (c->err.code == ERR_NONE) {
		tell_verified(c->tell, c->what, &c->sum);
		tell_owner(c, &c->sum);
		return (int)c->sum.status;
	}
	if (c->interrupted)
		return err_set(e, ERR_REFUSED, "%s: interrupted: what was "
		    "verified by then is kept", c->what);
	r = (struct reply){ .status = (uint64_t)err_exit(c->err.code) };
	snprintf(r.why, sizeof(r.why), "%s", c->err.msg);
	tell_owner(c, &r);
	*e = c->err;
	return -1;
}

static int
one_client(void *arg, struct store_client *client, struct err *e)
{
	struct check *c = ((struct owner *)arg)->arg;

	return check_client(c, client, NULL, e);
}

/* Snapshots, all of one client. */
static int
named(struct check *c, struct owner *w, struct err *e)
{
	const struct strv *args = &c->o->args;
	size_t i;

	if (owner_snapshot(w, args->v[0], e) == -1)
		return -1;
	for (i = 0; i < args->n; i++)
		if (store_snapshot_ok(&w->client, args->v[i], e) == -1) {
			e->code = ERR_USAGE;
			return err_wrap(e, "snapshots of one client at a "
			    "time");
		}
	return check_client(c, &w->client, args, e);
}

static int
from_store(struct check *c, struct err *e)
{
	struct owner w = { .o = c->o, .arg = c };
	struct snapname n;
	int rc = -1;

	if (owner_open(&w, e) == 0) {
		/* No client can be called as a snapshot is. */
		if (c->o->args.n > 0 &&
		    snapname_parse(c->o->args.v[0], &n, NULL) == 0)
			rc = named(c, &w, e);
		else
			rc = owner_each(&w, one_client, e);
	}
	owner_close(&w);
	return rc;
}

/* --- on the client --- */

static int
on_data(void *arg, const char *data, size_t len, struct err *e)
{
	static const struct hits_calls calls = { NULL, on_found };

	return hits_parse(data, len, &calls, arg, e);
}

static void
on_frame(void *arg, const struct reply *p)
{
	struct check *c = arg;

	tell_progress(c->tell, c->what, p);
}

static int
from_client(struct check *c, struct err *e)
{
	struct settings_job *j = ask_job(c->o, e);
	struct request q = { .op = REQUEST_VERIFY };
	char age[24], sample[24];
	int status = 0, rc;
	size_t i = 0;

	if (j == NULL)
		return -1;
	c->what = j->destination;
	snprintf(age, sizeof(age), "%" PRIu64, (c->o->max_age_ms + 999) / 1000);
	snprintf(sample, sizeof(sample), "%" PRIu64, c->o->sample);
	q.max_age = c->o->max_age_ms > 0 ? age : NULL;
	q.sample = c->o->sample > 0 ? sample : NULL;
	/* One request has one snapshot, or all. Borrowed: never
	 * request_clear()ed. */
	do {
		q.snapshot = c->o->args.n > 0 ? c->o->args.v[i] : NULL;
		if (ask_watch(j, &q, on_data, on_frame, c, &c->sum, e) == -1)
			return -1;
		rc = (int)c->sum.status;
		tell_verified(c->tell, c->what, &c->sum);
		status = rc != 0 ? rc : status;
	} while (++i < c->o->args.n);
	return status;
}

int
backup_verify(struct backup_opts *o, struct err *e)
{
	struct check c = { .o = o, .err = ERR_INIT };
	int rc;

	c.tell = tell_new(o, e);
	if (c.tell == NULL)
		return -1;
	pthread_mutex_init(&c.mutex, NULL);
	rc = o->side == SIDE_STORE ? from_store(&c, e) : from_client(&c, e);
	pthread_mutex_destroy(&c.mutex);
	tell_free(c.tell);
	return rc;
}
