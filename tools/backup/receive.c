/* SPDX-License-Identifier: ISC */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allow.h"
#include "base/num.h"
#include "serve.h"
#include "scratch.h"
#include "source.h"
#include "ui/log.h"

/*
 * postern backup receive: the forced command of a client's key. Who the
 * client is and what it may ask for stands in that command; only the
 * operation and its arguments come from the other end.
 */

#define REQUEST_MS 30000	/* until there is one, unless configured */
#define BEAT_MAX 3600000

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

/* --- the request --- */

int
serve_store(struct serve *s, struct err *e)
{
	/* Nobody accepted a host that is only ever pulled. */
	if (s->pull != NULL && store_make(s->o->store, e) == -1)
		return -1;
	if (store_open(s->o->store, &s->store, e) == -1)
		return -1;
	s->store_open = true;
	if (s->pull != NULL && store_client_make(&s->store, s->client_name,
	    e) == -1)
		return -1;
	if (store_client_open(&s->store, s->client_name, &s->client, e) == -1)
		return -1;
	s->client_open = true;
	s->client.want = s->policy.backend == BACKEND_BTRFS ? STORE_BTRFS :
	    s->policy.backend == BACKEND_HARDLINK ? STORE_HARDLINK : 0;
	return 0;
}

static int
begin(struct serve *s, const char *text, size_t len, struct err *e)
{
	enum request_op said = 0;
	unsigned allow = s->pull != NULL ? ALLOW_RUN : s->o->allow;
	uint64_t beat_ms;
	size_t i;

	/* Without sshd it is the store's owner, who says what --allow is. */
	if (s->policy.allow > 0 && s->pull == NULL &&
	    getenv("SSH_CONNECTION") != NULL)
		allow &= (unsigned)s->policy.allow;
	if ((s->pull == NULL && allow_command(getenv("SSH_ORIGINAL_COMMAND"),
	    allow, &said, e) == -1) ||
	    request_parse(text, len, &s->req, e) == -1)
		return -1;
	if (s->req.beat != NULL) {
		if (num_u64(s->req.beat, "beat", 1, BEAT_MAX, &beat_ms,
		    e) == -1)
			return -1;
		chan_beat(s->chan, beat_ms);
	}
	/* Whoever reads the command in a log shall be told the truth. */
	if (said != 0 && said != s->req.op)
		return err_set(e, ERR_REFUSED, "the command says something "
		    "else than the request");
	if (allow_check(allow, s->req.op, e) == -1 || serve_store(s, e) == -1)
		return -1;
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
	if (s->op_frame != NULL && s->answered && (type == MSG_CHANGES ||
	    type == MSG_DATA || type == MSG_END || type == MSG_LEFT))
		return s->op_frame(s, type, data, len, e);
	if ((type == MSG_DATA || type == MSG_END || type == MSG_LEFT) &&
	    s->answered && !s->req.direct)
		return xfer_frame(&s->xfer, type, data, len, e);
	if (type == MSG_KEY && s->answered && s->op_key != NULL) {
		s->op_key(s, data);
		return 0;
	}
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
	serve_over(s, e);
}

static void
on_chan_end(void *arg, const struct err *e)
{
	struct serve *s = arg;
	struct err gone = ERR_INIT, why = ERR_INIT;
	enum request_op said;

	if (s->over)
		return;
	/* Somebody tried what the key is good for: a word on stderr. */
	if (!s->asked && s->pull == NULL && allow_command(
	    getenv("SSH_ORIGINAL_COMMAND"), s->o->allow, &said, &why) == -1)
		log_err(&why);
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

static const struct chan_ops chan_calls = { on_frame, on_room, on_chan_end };

int
serve_policy(struct serve *s, const char *name, struct err *e)
{
	struct settings accepted = { 0 };

	if (settings_accepted(s->o->store, name, &accepted, e) == -1)
		return -1;
	settings_client_get(&s->o->conf, &accepted, name, &s->policy,
	    NULL);
	settings_clear(&accepted);
	s->client_name = name;
	return 0;
}

int
serve_loop(struct serve *s, struct err *e)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	const int64_t ms = s->o->conf.store.connect_timeout;
	size_t i;

	s->loop = loop_new(e);
	if (s->loop == NULL)
		return -1;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (loop_signal(s->loop, signals[i], on_signal, s, e) == -1)
			return -1;
	s->limit = loop_timer_new(s->loop, ms > 0 ? (uint64_t)ms : REQUEST_MS,
	    0, on_limit, s, e);
	return s->limit != NULL ? 0 : -1;
}

int
serve_chan(struct serve *s, int in, int out, struct err *e)
{
	s->chan = chan_new(s->loop, in, out, REQUEST_BEAT_MS, &chan_calls, s,
	    e);
	return s->chan != NULL ? 0 : -1;
}

void
serve_end(struct serve *s)
{
	loop_timer_free(s->limit);
	worker_free(s->worker);
	xfer_clear(&s->xfer);
	scratch_remove(s->source_dir);
	if (s->op_free != NULL)
		s->op_free(s);
	chan_free(s->chan);
	if (s->client_open)
		store_client_close(&s->client);
	if (s->store_open)
		store_close(&s->store);
	request_clear(&s->req);
	show_free(s->show);
	loop_free(s->loop);
}

int
backup_receive(struct backup_opts *o, struct err *e)
{
	struct serve s = { .o = o, .status = 1 };
	int rc;

	if (isatty(0) || isatty(1))
		return err_set(e, ERR_USAGE, "this is what a client's key "
		    "runs: not for people (see postern backup accept)");
	if (o->client == NULL || o->store == NULL)
		return err_set(e, ERR_USAGE, "which client, and where is the "
		    "store? (--client NAME, --store DIR or [store] dir)");
	serve_stderr();
	rc = serve_policy(&s, o->client, e);
	if (rc == 0)
		rc = serve_loop(&s, e);
	if (rc == 0) {
		s.chan = chan_stdio(s.loop, REQUEST_BEAT_MS, &chan_calls, &s,
		    e);
		rc = s.chan != NULL ? loop_run(s.loop, e) : -1;
	}
	serve_end(&s);
	return rc == -1 ? -1 : s.status;
}
