/* SPDX-License-Identifier: ISC */
#include "conn.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bulk.h"
#include "keys.h"
#include "link.h"
#include "ssh/sshargv.h"

struct conn {
	struct conn_calls calls;
	void *arg;
	struct link *link;		/* NULL: the store started us */
	struct chan *chan;
	bool answered;
	bool chan_over;
	struct err err;			/* the channel's */
};

static void
maybe_end(struct conn *c)
{
	struct err e = ERR_INIT;

	if (!c->chan_over || (c->link != NULL && !link_over(c->link)))
		return;
	if (c->link != NULL)
		link_judge(c->link, &c->err, &e);
	else if (c->err.code != ERR_NONE)
		e = c->err;
	else
		err_set(&e, ERR_PEER, "the store hung up without a result");
	c->calls.on_end(c->arg, &e);
}

static int
on_frame(void *arg, char type, const char *data, size_t len, struct err *e)
{
	struct conn *c = arg;
	struct reply r;

	if (c->answered && type != MSG_ANSWER && type != MSG_REQUEST)
		return c->calls.on_frame(c->arg, type, data, len, e);
	if (c->answered)
		return err_set(e, ERR_PEER, "a second answer");
	/* Before its answer the store may say what it is busy with. */
	if (type == MSG_PROGRESS)
		return c->calls.on_frame(c->arg, type, data, len, e);
	if (type != MSG_ANSWER)
		return err_set(e, ERR_PEER, "it goes on without an answer");
	if (reply_parse(data, len, &r, e) == -1)
		return -1;
	c->answered = true;
	c->calls.on_answer(c->arg, &r);
	return 0;
}

static void
on_room(void *arg)
{
	struct conn *c = arg;

	if (c->calls.on_room != NULL)
		c->calls.on_room(c->arg);
}

static void
on_chan_end(void *arg, const struct err *e)
{
	struct conn *c = arg;

	c->chan_over = true;
	if (e != NULL)
		c->err = *e;
	/* A server that has lost its mind may never close. */
	if (c->link != NULL)
		link_deadline(c->link, e != NULL ? 1 : 5000);
	maybe_end(c);
}

static void
on_ssh_end(void *arg)
{
	maybe_end(arg);
}

static const struct chan_ops chan_calls = { on_frame, on_room, on_chan_end };

/* Files go over the connection, not just names. */
static bool
carries_much(const struct request *r)
{
	return (r->op == REQUEST_RUN && r->port == NULL) ||
	    r->op == REQUEST_RESTORE || r->op == REQUEST_CAT;
}

static int
ssh_argv(const struct settings_job *j, const struct request *r,
    struct strv *argv, struct err *e)
{
	struct strv options = { 0 };
	struct sshargv_opts o = { .program = j->ssh, .config = j->ssh_config,
		.options = &options,
		.connect_timeout_s = (unsigned)(j->connect_timeout / 1000) };
	int rc = -1;

	if (keys_options(j, &options, e) == 0 && (!carries_much(r) ||
	    bulk_options(&o, j->destination, &options, e) == 0))
		rc = sshargv_build(&o, j->destination,
		    request_op_name(r->op), argv, e);
	strv_clear(&options);
	return rc;
}

/* The other end is to beat as often as this one listens. */
static int
send_request(struct conn *c, const struct request *request, uint64_t beat_ms,
    struct err *e)
{
	struct request r = *request;
	char beat[24];
	struct buf b;
	int rc;

	snprintf(beat, sizeof(beat), "%" PRIu64, beat_ms);
	if (beat_ms != REQUEST_BEAT_MS)
		r.beat = beat;
	buf_init(&b, MSG_MAX);
	rc = request_emit(&r, &b, e);
	if (rc == 0)
		rc = chan_send(c->chan, MSG_REQUEST, b.data, b.len, e);
	buf_clear(&b);
	return rc;
}

static struct conn *
conn_new(const struct conn_calls *calls, void *arg, struct err *e)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		err_set(e, ERR_MEM, "out of memory");
	else
		*c = (struct conn){ .calls = *calls, .arg = arg,
			.err = ERR_INIT };
	return c;
}

/* argv: of ssh, or of what stands in its place; borrowed for the call. */
static struct conn *
open_by(struct loop *l, char *const *argv, const char *dest, uint64_t beat_ms,
    const struct request *request, const struct conn_calls *calls, void *arg,
    struct err *e)
{
	struct conn *c = conn_new(calls, arg, e), *ret = NULL;
	struct link_spec s = { .dest = dest, .argv = argv,
		.on_end = on_ssh_end, .arg = c };
	int to[2] = { -1, -1 }, from[2] = { -1, -1 };

	if (c == NULL)
		return NULL;
	if (pipe2(to, O_CLOEXEC) == -1 || pipe2(from, O_CLOEXEC) == -1) {
		err_sys(e, "pipe");
		goto out;
	}
	s.in = to[0];
	s.out = from[1];
	c->link = link_start(l, &s, e);
	if (c->link == NULL)
		goto out;
	c->chan = chan_new(l, from[0], to[1], beat_ms, &chan_calls, c, e);
	from[0] = to[1] = -1;
	if (c->chan == NULL || send_request(c, request, beat_ms, e) == -1)
		goto out;
	ret = c;
out:
	for (int i = 0; i < 2; i++) {
		if (to[i] != -1)
			close(to[i]);
		if (from[i] != -1)
			close(from[i]);
	}
	if (ret == NULL)
		conn_free(c);
	return ret;
}

struct conn *
conn_stdio(struct loop *l, const struct settings_job *j,
    const struct request *request, const struct conn_calls *calls, void *arg,
    struct err *e)
{
	struct conn *c = conn_new(calls, arg, e);

	if (c == NULL)
		return NULL;
	c->chan = chan_stdio(l, (uint64_t)j->beat, &chan_calls, c, e);
	if (c->chan == NULL || send_request(c, request, (uint64_t)j->beat,
	    e) == -1) {
		conn_free(c);
		return NULL;
	}
	return c;
}

struct conn *
conn_open(struct loop *l, const struct settings_job *j,
    const struct request *request, const struct conn_calls *calls, void *arg,
    struct err *e)
{
	struct strv argv = { 0 };
	struct conn *c = NULL;

	if (ssh_argv(j, request, &argv, e) == 0)
		c = open_by(l, argv.v, j->destination, (uint64_t)j->beat,
		    request, calls, arg, e);
	/* Until then it is the handshake that takes its time. */
	if (c != NULL)
		chan_patience(c->chan, (uint64_t)j->connect_timeout);
	strv_clear(&argv);
	return c;
}

struct conn *
conn_local(struct loop *l, const char *store, const char *client,
    const struct request *request, const struct conn_calls *calls, void *arg,
    struct err *e)
{
	struct strv argv = { 0 };
	struct conn *c = NULL;

	/* What a session of the owner's own says is none of its business. */
	unsetenv("SSH_ORIGINAL_COMMAND");
	unsetenv("SSH_CONNECTION");
	if (strv_add(&argv, "/proc/self/exe") == -1 ||
	    strv_add(&argv, "receive") == -1 ||
	    strv_add(&argv, "--allow=restore") == -1 ||
	    strv_addf(&argv, "--store=%s", store) == -1 ||
	    strv_addf(&argv, "--client=%s", client) == -1)
		err_set(e, ERR_MEM, "out of memory");
	else
		c = open_by(l, argv.v, store, REQUEST_BEAT_MS, request,
		    calls, arg, e);
	strv_clear(&argv);
	return c;
}

void
conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	chan_free(c->chan);
	link_free(c->link);
	free(c);
}

struct chan *
conn_chan(struct conn *c)
{
	return c->chan;
}

void
conn_close(struct conn *c)
{
	chan_close(c->chan, NULL, NULL);
}
