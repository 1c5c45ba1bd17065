/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "serve_snap.h"
#include "sink.h"
#include "source.h"
#include "store_runs.h"
#include "ui/log.h"

/*
 * A restore, at the store: the half that reads, confined to the one snapshot,
 * which is held meanwhile. Which of its parts the client takes is between its
 * rsync and ours; that it asked for them by name lets us say at once what is
 * not there.
 */

struct restore {
	struct serve_snap snap;
	uint64_t begin_ms;
};

static void
restore_free(struct serve *s)
{
	struct restore *r = s->op;

	serve_snap_close(&r->snap);
	free(r);
	s->op = NULL;
}

/* For the owner's status. */
static void
note(struct serve *s, const char *state, const char *why)
{
	struct restore *r = s->op;
	struct store_run line = { .time_s = s->store.now(), .op = "restore",
		.seconds = (loop_now_ms(s->loop) - r->begin_ms) / 1000 };
	struct err e = ERR_INIT;

	snprintf(line.state, sizeof(line.state), "%s", state);
	snprintf(line.snapshot, sizeof(line.snapshot), "%s", r->snap.name);
	snprintf(line.message, sizeof(line.message), "%.390s", why);
	if (store_runs_add(&s->client, &line, &e) == -1)
		log_err(&e);
}

static bool
lost(struct serve *s, const struct err *e)
{
	if (s->answered)
		note(s, STORE_RUNS_FAILED, e->msg);
	return false;
}

static void
on_over(void *arg)
{
	struct serve *s = arg;
	struct restore *r = s->op;
	struct reply last = { .seconds =
		(loop_now_ms(s->loop) - r->begin_ms) / 1000 };
	struct err e = ERR_INIT;
	const char *why = sink_why(s->xfer.rc);

	/* What its own rsync couldn't do the client knows best. */
	if (why != NULL && s->xfer.peer_rc == 0) {
		err_set(&e, ERR_PEER, "%s (rsync's status at the store %d): %s",
		    why, s->xfer.rc, s->xfer.said);
		note(s, STORE_RUNS_FAILED, e.msg);
		serve_refuse(s, &e);
		return;
	}
	note(s, s->xfer.peer_rc == 0 ? STORE_RUNS_OK : STORE_RUNS_WARN, "");
	snprintf(last.snapshot, sizeof(last.snapshot), "%s", r->snap.name);
	serve_result(s, &last);
}

static int
all_there(const struct serve *s, const struct serve_snap *p, struct err *e)
{
	size_t i;
	int fd;

	for (i = 0; i < s->req.paths.n; i++) {
		if (serve_snap_at(p, s->req.paths.v[i], O_PATH, &fd, e) == -1)
			return -1;
		close(fd);
	}
	return 0;
}

int
serve_restore(struct serve *s, struct err *e)
{
	static const struct xfer_calls calls = { .on_over = on_over };
	struct restore *r = calloc(1, sizeof(*r));
	struct source_spec src = { 0 };
	struct half_calls half;
	struct reply a = { 0 };
	char *path = NULL;
	int rc = -1;

	if (r == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	if (serve_snap_open(s, &r->snap, e) == -1) {
		free(r);
		return -1;
	}
	s->op = r;
	s->op_free = restore_free;
	s->op_lost = lost;
	r->begin_ms = loop_now_ms(s->loop);
	if (all_there(s, &r->snap, e) == -1)
		return -1;
	if (asprintf(&path, "%s/%s", s->client.path, r->snap.name) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	src.path = path;
	src.fake_super = r->snap.fake_super;
	xfer_init(&s->xfer, s->chan, &calls, s);
	half = xfer_calls(&s->xfer);
	s->xfer.half = source_start(s->loop, &src, &half, &s->source_dir, e);
	if (s->xfer.half != NULL) {
		snprintf(a.snapshot, sizeof(a.snapshot), "%s", r->snap.name);
		rc = serve_go_on(s, &a, e);
	}
	free(path);
	return rc;
}
