/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allow.h"
#include "serve.h"
#include "source.h"
#include "ui/log.h"

/*
 * postern backup receive: the forced command of a client's key. Who the
 * client is and what it may ask for stands in that command; only the
 * operation and its arguments come from the other end.
 */

#define BEAT_MS 10000
#define REQUEST_MS 30000
#define LAST_WORD_MS 10000

static const struct {
	enum request_op op;
	int (*serve)(struct serve *s, struct err *e);
} ops[] = {
	{ REQUEST_RUN, serve_run },
	{ REQUEST_LIST, serve_list },
	{ REQUEST_RESTORE, serve_restore },
	{ REQUEST_CAT, serve_cat },
	{ REQUEST_FIND, serve_find },
	{ REQUEST_VERIFY, serve_verify },
};

static void
on_closed(void *arg)
{
	struct serve *s = arg;

	loop_stop(s->loop);
}

static void
say_last(struct serve *s, char type, const struct reply *r)
{
	struct err e = ERR_INIT;
	struct buf b;

	if (s->over)
		return;
	s->over = true;
	s->status = (int)r->status;
	buf_init(&b, MSG_MAX);
	if (reply_emit(r, &b, &e) == -1 ||
	    chan_send(s->chan, type, b.data, b.len, &e) == -1)
		log_debug("%s", e.msg);
	buf_clear(&b);
	/* Whoever doesn't read it can't keep us. */
	loop_timer_set(s->limit, LAST_WORD_MS, 0);
	chan_close(s->chan, on_closed, s);
}

void
serve_refuse(struct serve *s, const struct err *e)
{
	struct reply r = { .status = (uint64_t)err_exit(e->code) };

	snprintf(r.why, sizeof(r.why), "%s", e->msg);
	say_last(s, s->answered ? MSG_RESULT : MSG_ANSWER, &r);
}

void
serve_result(struct serve *s, const struct reply *r)
{
	say_last(s, MSG_RESULT, r);
}

int
serve_go_on(struct serve *s, struct reply *r, struct err *e)
{
	struct buf b;
	int rc;

	r->status = 0;
	buf_init(&b, MSG_MAX);
	rc = reply_emit(r, &b, e);
	if (rc == 0)
		rc = chan_send(s->chan, MSG_ANSWER, b.data, b.len, e);
	buf_clear(&b);
	if (rc == 0)
		s->answered = true;
	return rc;
}

void
serve_progress(struct serve *s, const struct reply *r)
{
	struct buf b;

	if (s->over || !chan_room(s->chan))
		return;
	buf_init(&b, MSG_MAX);
	if (reply_emit(r, &b, NULL) == 0)
		(void)chan_send(s->chan, MSG_PROGRESS, b.data, b.len, NULL);
	buf_clear(&b);
}

/* --- the request --- */

static int
begin(struct serve *s, const char *text, size_t len, struct err *e)
{
	enum request_op said;
	unsigned allow = s->o->allow;
	size_t i;

	/* Without sshd it is the store's owner, who says what --allow is. */
	if (s->policy.allow > 0 && getenv("SSH_CONNECTION") != NULL)
		allow &= (unsigned)s->policy.allow;
	if (allow_command(getenv("SSH_ORIGINAL_COMMAND"), allow, &said,
	    e) == -1 || request_parse(text, len, &s->req, e) == -1)
		return -1;
	/* Whoever reads the command in a log shall be told the truth. */
	if (said != 0 && said != s->req.op)
		return err_set(e, ERR_REFUSED, "the command says something "
		    "else than the request");
	if (allow_check(allow, s->req.op, e) == -1 ||
	    store_open(s->o->store, &s->store, e) == -1)
		return -1;
	s->store_open = true;
	if (store_client_open(&s->store, s->o->client, &s->client, e) == -1)
		return -1;
	s->client_open = true;
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (ops[i].op == s->req.op)
			return ops[i].serve(s, e);
	return err_set(e, ERR_REFUSED, "this store can't %s",
	    request_op_name(s->req.op));
}

static int
on_frame(void *arg, char type, const char *data, size_t len, struct err *e)
{
	struct serve *s = arg;
	struct err why = ERR_INIT;

	if (s->over)
		return 0;
	if (type == MSG_REQUEST && !s->asked) {
		s->asked = true;
		loop_timer_set(s->limit, (uint64_t)s->policy.timeout, 0);
		if (s->policy.timeout <= 0)
			loop_timer_stop(s->limit);
		if (begin(s, data, len, &why) == -1)
			serve_refuse(s, &why);
		return 0;
	}
	if ((type == MSG_DATA || type == MSG_END) && s->answered)
		return xfer_frame(&s->xfer, type, data, len, e);
	return err_set(e, ERR_PEER, "a frame that can't come now: %c", type);
}

static void
on_room(void *arg)
{
	struct serve *s = arg;

	if (s->on_room != NULL)
		s->on_room(s);
	else
		xfer_room(&s->xfer);
}

static void
lost(struct serve *s, const struct err *e)
{
	if (s->op_lost != NULL && s->op_lost(s, e))
		return;
	if (e->code == ERR_TIMEOUT) {
		serve_refuse(s, e);
		return;
	}
	s->status = err_exit(e->code);
	loop_stop(s->loop);
}

static void
on_chan_end(void *arg, const struct err *e)
{
	struct serve *s = arg;
	struct err gone = ERR_INIT;

	if (s->over)
		return;
	err_set(&gone, ERR_PEER, "the client hung up");
	lost(s, e != NULL ? e : &gone);
}

static void
on_limit(void *arg)
{
	struct serve *s = arg;
	struct err e = ERR_INIT;

	if (s->over) {
		loop_stop(s->loop);
		return;
	}
	err_set(&e, ERR_TIMEOUT, s->asked ? "not done in the time that the "
	    "store allows (timeout)" : "no request came");
	lost(s, &e);
}

static void
on_signal(void *arg, int signo)
{
	struct serve *s = arg;
	struct err e = ERR_INIT;

	err_set(&e, ERR_REFUSED, "the store was told to end this");
	if (s->over)
		loop_stop(s->loop);
	else
		lost(s, &e);
}

/* sshd's pipes, so that nothing else ever reads or writes them. */
static int
take_stdio(int fds[2], struct err *e)
{
	int null, i;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null == -1)
		return err_sys(e, "/dev/null");
	for (i = 0; i < 2; i++) {
		fds[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		if (fds[i] == -1 || dup2(null, i) == -1) {
			close(null);
			return err_sys(e, "stdin and stdout");
		}
	}
	close(null);
	return 0;
}

static int
start(struct serve *s, struct err *e)
{
	static const struct chan_ops chan = { on_frame, on_room, on_chan_end };
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	size_t i;
	int fds[2];

	s->loop = loop_new(e);
	if (s->loop == NULL)
		return -1;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (loop_signal(s->loop, signals[i], on_signal, s, e) == -1)
			return -1;
	if (take_stdio(fds, e) == -1)
		return -1;
	s->limit = loop_timer_new(s->loop, REQUEST_MS, 0, on_limit, s, e);
	if (s->limit == NULL)
		return -1;
	s->chan = chan_new(s->loop, fds[0], fds[1], BEAT_MS, &chan, s, e);
	return s->chan != NULL ? 0 : -1;
}

int
backup_receive(struct backup_opts *o, struct err *e)
{
	struct serve s = { .o = o, .status = 1 };
	struct settings accepted = { 0 };
	int rc;

	if (isatty(0) || isatty(1))
		return err_set(e, ERR_USAGE, "this is what a client's key "
		    "runs: not for people (see postern backup accept)");
	if (o->client == NULL || o->store == NULL)
		return err_set(e, ERR_USAGE, "which client, and where is the "
		    "store? (--client NAME, --store DIR or [store] dir)");
	if (settings_accepted(o->store, o->client, &accepted, e) == -1)
		return -1;
	settings_client_get(&o->conf, &accepted, o->client, &s.policy, NULL);
	settings_clear(&accepted);
	rc = start(&s, e);
	if (rc == 0)
		rc = loop_run(s.loop, e);
	loop_timer_free(s.limit);
	worker_free(s.worker);
	xfer_clear(&s.xfer);
	source_remove(s.source_dir);
	if (s.op_free != NULL)
		s.op_free(&s);
	chan_free(s.chan);
	if (s.client_open)
		store_client_close(&s.client);
	if (s.store_open)
		store_close(&s.store);
	request_clear(&s.req);
	loop_free(s.loop);
	return rc == -1 ? -1 : s.status;
}
