/* SPDX-License-Identifier: ISC */
#include "ask.h"

#include <signal.h>
#include <string.h>

#include "conn.h"

struct ask {
	struct loop *loop;
	const struct settings_job *job;
	ask_data_fn *on_data;
	void (*progress)(void *arg, const struct reply *p);	/* or NULL */
	void *arg;
	struct reply result;
	bool done;
	struct err err;
};

static void
fail(struct ask *a, const struct err *e)
{
	if (a->err.code == ERR_NONE)
		a->err = *e;
	loop_stop(a->loop);
}

static void
refused(struct ask *a, const struct reply *r)
{
	struct err e = ERR_INIT;

	err_set(&e, r->status == 75 ? ERR_BUSY : ERR_REFUSED, "%s: %s",
	    a->job->destination, r->why[0] != '\0' ? r->why : "refused");
	fail(a, &e);
}

static void
on_answer(void *arg, const struct reply *r)
{
	if (r->status != 0)
		refused(arg, r);
}

static int
on_frame(void *arg, char type, const char *data, size_t len, struct err *e)
{
	struct ask *a = arg;
	struct reply r;

	if (a->done)
		return 0;
	if (type == MSG_DATA)
		return a->on_data(a->arg, data, len, e);
	if (type != MSG_RESULT && type != MSG_PROGRESS)
		return err_set(e, ERR_PEER, "%s: a frame that can't come now",
		    a->job->destination);
	if (reply_parse(data, len, &r, e) == -1)
		return -1;
	if (type == MSG_PROGRESS) {
		if (a->progress != NULL)
			a->progress(a->arg, &r);
		return 0;
	}
	a->done = true;
	a->result = r;
	if (r.status != 0 && r.status != 2)
		refused(a, &r);
	loop_stop(a->loop);
	return 0;
}

static void
on_end(void *arg, const struct err *e)
{
	struct ask *a = arg;

	if (!a->done)
		fail(a, e);
}

static void
on_signal(void *arg, int signo)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_REFUSED, "interrupted");
	fail(arg, &e);
}

struct settings_job *
ask_job(struct backup_opts *o, struct err *e)
{
	return opts_job(o, NULL, e);
}

int
ask_store(const struct settings_job *j, const struct request *q,
    ask_data_fn *on_data, void *arg, struct reply *ret, struct err *e)
{
	return ask_watch(j, q, on_data, NULL, arg, ret, e);
}

int
ask_watch(const struct settings_job *j, const struct request *q,
    ask_data_fn *on_data, void (*progress)(void *arg, const struct reply *p),
    void *arg, struct reply *ret, struct err *e)
{
	static const struct conn_calls calls = { on_answer, on_frame, NULL,
		on_end };
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	struct ask a = { .job = j, .on_data = on_data,
		.progress = progress, .arg = arg,
		.err = ERR_INIT };
	struct conn *conn = NULL;
	int rc = -1;
	size_t i;

	a.loop = loop_new(e);
	if (a.loop == NULL)
		return -1;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (loop_signal(a.loop, signals[i], on_signal, &a, e) == -1)
			goto out;
	conn = conn_open(a.loop, j, q, &calls, &a, e);
	if (conn == NULL || loop_run(a.loop, e) == -1)
		goto out;
	if (a.err.code != ERR_NONE) {
		if (e != NULL)
			*e = a.err;
	} else {
		*ret = a.result;
		rc = 0;
	}
out:
	conn_free(conn);
	loop_free(a.loop);
	return rc;
}
