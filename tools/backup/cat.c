/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "base/buf.h"
#include "conn.h"
#include "restoreargs.h"

/*
 * postern backup cat: one file of a snapshot to standard output, which may be
 * a pipe that nobody reads for an hour: the connection lives on meanwhile.
 */

/* What a pipe that poll(2) calls ready takes without blocking. */
#define PIECE ((size_t)4096)
#define WAITING_MAX ((size_t)4 << 20)

struct cat {
	struct loop *loop;
	const char *dest;
	struct conn *conn;
	struct loop_fd *out;
	struct buf waiting;
	size_t off;
	uint64_t got;
	bool done;
	struct err err;
};

static void
fail(struct cat *c, const struct err *e)
{
	if (c->err.code == ERR_NONE)
		c->err = *e;
	loop_stop(c->loop);
}

static void
maybe_stop(struct cat *c)
{
	if (c->done && c->off == c->waiting.len)
		loop_stop(c->loop);
}

static void
on_out(void *arg, int fd, short revents)
{
	struct cat *c = arg;
	struct err e = ERR_INIT;
	size_t len = c->waiting.len - c->off;
	ssize_t n;

	n = write(1, c->waiting.data + c->off, len < PIECE ? len : PIECE);
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n == -1) {
		err_sys(&e, "standard output");
		fail(c, &e);
		return;
	}
	c->off += (size_t)n;
	if (c->off < c->waiting.len)
		return;
	buf_clear(&c->waiting);
	c->off = 0;
	loop_fd_pause(c->out, 1);
	chan_pause(conn_chan(c->conn), false);
	maybe_stop(c);
}

static void
on_answer(void *arg, const struct reply *a)
{
	struct cat *c = arg;
	struct err e = ERR_INIT;

	if (a->status == 0)
		return;
	err_set(&e, a->status == 75 ? ERR_BUSY : ERR_REFUSED, "%s: %s",
	    c->dest, a->why);
	fail(c, &e);
}

static int
on_frame(void *arg, char type, const char *data, size_t len, struct err *e)
{
	struct cat *c = arg;
	struct reply p;

	if (type == MSG_DATA && !c->done) {
		if (buf_add(&c->waiting, data, len) == -1)
			return err_set(e, ERR_MEM, "out of memory");
		c->got += len;
		loop_fd_pause(c->out, 0);
		chan_pause(conn_chan(c->conn), true);
		return 0;
	}
	if (type == MSG_PROGRESS)
		return 0;
	if (type != MSG_RESULT)
		return err_set(e, ERR_PEER, "a frame that can't come now");
	if (reply_parse(data, len, &p, e) == -1)
		return -1;
	if (p.status != 0)
		return err_set(e, ERR_PEER, "%s", p.why);
	if (p.bytes != c->got)
		return err_set(e, ERR_PEER, "the file came in part only");
	c->done = true;
	maybe_stop(c);
	return 0;
}

static void
on_end(void *arg, const struct err *e)
{
	if (!((struct cat *)arg)->done)
		fail(arg, e);
}

static int
ask(struct cat *c, const struct backup_opts *o, struct settings_job *j,
    const char *client, struct err *e)
{
	static const struct conn_calls calls = { on_answer, on_frame, NULL,
		on_end };
	struct request q = { .op = REQUEST_CAT, .snapshot = o->args.v[0] };
	int rc;

	rc = restoreargs_paths(o->args.v + 1, 1, &q.paths, e);
	if (rc == 0) {
		c->dest = client != NULL ? o->store : j->destination;
		c->conn = client != NULL ? conn_local(c->loop, o->store,
		    client, &q, &calls, c, e) :
		    conn_open(c->loop, j, &q, &calls, c, e);
		rc = c->conn != NULL ? 0 : -1;
	}
	strv_clear(&q.paths);
	return rc;
}

/* Whose snapshot it is, on the store. */
static const char *
whose(const struct backup_opts *o, struct snapname *n, struct err *e)
{
	if (o->client != NULL)
		return o->client;
	if (strcmp(o->args.v[0], REQUEST_LATEST) == 0) {
		err_set(e, ERR_USAGE, "the latest of whom? --client NAME");
		return NULL;
	}
	return snapname_parse(o->args.v[0], n, e) == 0 ? n->client : NULL;
}

int
backup_cat(struct backup_opts *o, struct err *e)
{
	struct cat c = { .err = ERR_INIT };
	struct settings_job *j = NULL;
	struct snapname n;
	const char *client = NULL;
	int rc = -1;

	if (o->side == SIDE_STORE) {
		client = whose(o, &n, e);
		if (client == NULL)
			return -1;
	} else {
		j = opts_job(o, NULL, e);
		if (j == NULL)
			return -1;
	}
	buf_init(&c.waiting, WAITING_MAX);
	c.loop = loop_new(e);
	if (c.loop == NULL)
		return -1;
	c.out = loop_fd_new(c.loop, 1, POLLOUT, on_out, &c, e);
	if (c.out != NULL) {
		loop_fd_pause(c.out, 1);
		rc = ask(&c, o, j, client, e);
	}
	if (rc == 0)
		rc = loop_run(c.loop, e);
	if (rc == 0 && c.err.code != ERR_NONE) {
		*e = c.err;
		rc = -1;
	}
	conn_free(c.conn);
	loop_fd_free(c.out);
	loop_free(c.loop);
	buf_clear(&c.waiting);
	return rc;
}
