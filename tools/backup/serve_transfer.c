/* SPDX-License-Identifier: ISC */
#include "serve_run.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "serve_dial.h"
#include "sink.h"

/*
 * The transfer of a backup, at the store: which rsync receives, where the one
 * that sends is, what ours says meanwhile, and what came of it.
 */

#define PROGRESS_MS 500
#define NOT_DELETED "IO error encountered"	/* of rsync's --delete */

static void
on_over(void *arg)
{
	struct serve *s = arg;
	struct run *r = run_of(s);
	struct err e = ERR_INIT;
	const char *why;

	/* The client speaks for its own files. Ours has its status from there
	 * when that is the greater one, which would hide a 23 of its own. */
	if (s->xfer.peer_rc == UNREAD_VANISHED &&
	    (s->xfer.rc == UNREAD_PARTIAL || s->xfer.rc == UNREAD_VANISHED))
		s->xfer.rc = r->complained || r->unverified >
		    s->xfer.peer_left.changed ? UNREAD_PARTIAL :
		    UNREAD_VANISHED;
	why = sink_why(s->xfer.rc);
	if (r->lost.code != ERR_NONE) {
		run_give_up(s);
		return;
	}
	/* The sender's own status says more where ours only lost it. */
	if ((why != NULL && sink_why(s->xfer.peer_rc) != NULL &&
	    s->xfer.rc == 12) || why == NULL)
		why = sink_why(s->xfer.peer_rc);
	if (why != NULL && guard_crowded(r->guard, &r->lost)) {
		r->discard = true;
		run_give_up(s);
		return;
	}
	if (why != NULL) {
		err_set(&e, ERR_PEER, "%s (rsync's status here %d, there %d): "
		    "%s; what came so far is kept for the next run", why,
		    s->xfer.rc, s->xfer.peer_rc, s->xfer.said);
		run_refuse(s, &e);
		return;
	}
	r->rec.partial = s->xfer.rc == UNREAD_VANISHED ||
	    s->xfer.peer_rc == UNREAD_VANISHED;
	if (r->rec.partial) {
		r->rec.vanished = s->xfer.peer_left.vanished;
		r->rec.changed = s->xfer.peer_left.changed;
		/* Nobody said how many: one at least. */
		if (r->rec.vanished == 0 && r->rec.changed == 0)
			r->rec.vanished = 1;
	}
	run_received(s);
}

void
run_received(struct serve *s)
{
	struct run *r = run_of(s);

	r->rec.files = r->now.files;
	r->rec.bytes = r->now.bytes;
	r->rec.added = r->now.added;
	if (r->build.listed)
		run_fill(s);
	else
		run_taken(s);
}

void
run_taken(struct serve *s)
{
	struct run *r = run_of(s);

	r->rec.seconds = (loop_now_ms(s->loop) - r->begin_ms) / 1000;
	r->doubt = run_doubt(r);
	guard_stop(r->guard);
	run_settle(s);
}

/* rsync throws away what came of it, but in place. */
static void
unverified(struct run *r, const char *name)
{
	r->unverified++;
	r->torn.max = UNREAD_MAX;
	if (r->build.backend == STORE_BTRFS && strv_add(&r->torn, name) == -1)
		r->complained = true;
}

static void
on_line(void *arg, enum child_stream stream, const char *line, size_t len,
    bool cut)
{
	struct serve *s = arg;
	struct run *r = run_of(s);
	uint64_t now = loop_now_ms(s->loop);
	char name[PATH_MAX];

	/* Without its deletions a snapshot would have what is gone. */
	if (stream == CHILD_STDERR && !cut && unread_unverified(line, name))
		unverified(r, name);
	else if ((stream == CHILD_STDERR && unread_complaint(line)) ||
	    strncmp(line, NOT_DELETED, sizeof(NOT_DELETED) - 1) == 0)
		r->complained = true;
	if (stream != CHILD_STDOUT || !sink_line(line, &r->now) ||
	    now < r->said_ms + PROGRESS_MS)
		return;
	r->said_ms = now;
	serve_progress(s, &r->now);
}

/* What the owner lets a pull take; rsync asks the sender for it. */
static int64_t
bandwidth(const struct serve *s)
{
	if (s->o->bandwidth > 0)
		return (int64_t)s->o->bandwidth;
	return s->pull != NULL ? s->pull->bandwidth : 0;
}

/* Of what is new in .incoming any rsync can make holes. */
static bool
sparse(const struct run *r)
{
	return version_holes(r->rsync.said) || (!r->build.resumed &&
	    r->build.backend == STORE_HARDLINK);
}

static struct sink_spec
sink_of(struct serve *s)
{
	struct run *r = run_of(s);

	return (struct sink_spec){ .dir = s->client.path,
		.target = STORE_INCOMING "/", .exact = !r->build.listed,
		.link_dest = r->build.link_dest, .listed = r->build.listed,
		.in_place = r->build.backend == STORE_BTRFS,
		.sparse = sparse(r),
		.fake_super = s->policy.metadata == METADATA_FAKE_SUPER,
		.privileged = s->policy.metadata == METADATA_REAL,
		.uid = s->client.recv_uid, .gid = s->client.recv_gid,
		.one_file_system = s->req.one_file_system &&
		    !r->build.listed,
		.progress = s->show != NULL ? show_live(s->show) :
		    s->req.progress,
		.roots = s->req.one_file_system && !r->build.listed ?
		    &s->req.roots : NULL,
		.bandwidth = bandwidth(s), .compress = s->req.compress };
}

static const struct xfer_calls calls = { .on_line = on_line,
	.on_over = on_over };

int
run_join(struct serve *s, struct err *e)
{
	const struct sink_spec sink = sink_of(s);
	struct half_calls half;

	xfer_init(&s->xfer, s->chan, &calls, s);
	half = xfer_calls(&s->xfer);
	s->xfer.half = sink_start(s->loop, &sink, &half, e);
	return s->xfer.half != NULL ? 0 : -1;
}

/* We go to it: with the key that the client's one-time sshd takes, or as the
 * owner. d: taken; NULL: *e says why. */
static void
dial(struct serve *s, struct serve_dial *d, struct err *e)
{
	const struct sink_spec sink = sink_of(s);

	run_of(s)->dial = d;
	if (d == NULL || serve_dial_start(d, &sink, &calls, e) == -1)
		run_refuse(s, e);
	else
		run_phase(s, "transfer");
}

void
run_key(struct serve *s, const void *key)
{
	struct err e = ERR_INIT;

	s->op_key = NULL;
	dial(s, serve_dial_direct(s, key, &e), &e);
}

void
run_dial(struct serve *s)
{
	struct err e = ERR_INIT;

	dial(s, serve_dial_plain(s, &e), &e);
}
