/* SPDX-License-Identifier: ISC */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup.h"
#include "conn.h"
#include "lack.h"
#include "place.h"
#include "restore_said.h"
#include "restoreargs.h"
#include "show.h"
#include "sink.h"
#include "snapname.h"
#include "ui/log.h"
#include "version.h"
#include "xfer.h"

/*
 * postern backup restore: the store sends parts of a snapshot, our confined
 * half writes them below --to. Here the store is the one that isn't trusted:
 * what it says is shown and no more; where rsync may write and what it may
 * bring is ours.
 *
 * Who restores without --privileged is then told what is lacking: a second
 * connection, on which our rsync compares and writes nothing. (It can't say so
 * while it writes: what is stripped from the modes then is gone for it, too.)
 */

#define SHOW_MS 500
#define ERRORS_SHOWN 50

enum pass { COPY, COMPARE, DRY };

struct restore {
	struct loop *loop;
	struct backup_opts *o;
	struct settings_job *job;
	const char *client;		/* SIDE_STORE; else NULL */
	struct strv paths;
	char snapshot[SNAPNAME_MAX + 1];	/* asked for; then, which it is */
	struct place place;
	enum pass pass;
	struct conn *conn;
	struct xfer xfer;
	struct show *show;
	struct reply now;
	uint64_t begin_ms, said_ms, errors;
	bool done;			/* this pass */
	struct err err;			/* why it isn't */
	struct lack lack;
};

static void
fail(struct restore *r, const struct err *e)
{
	if (r->err.code == ERR_NONE)
		r->err = *e;
	loop_stop(r->loop);
}

/* --- what our rsync says --- */

static bool
owner_is(void *arg, const char *name, uint32_t uid, uint32_t gid)
{
	struct stat st;

	if (place_stat(arg, name, &st) == -1 || st.st_uid != uid)
		return false;
	if (gid != LACK_NOT_OURS)
		return st.st_gid == gid;
	return st.st_gid != getegid() && !group_member(st.st_gid);
}

static int
item(struct restore *r, const char *line, struct err *e)
{
	const char *base = r->place.base[1] != '\0' ? r->place.base : "";
	struct lack_item it;

	if (r->pass == COMPARE)
		return lack_line(&r->lack, line, base, owner_is,
		    &r->place, e);
	if (r->pass == DRY && lack_parse(line, &it) && lack_new(&it))
		restore_would(r->o, base, &it);
	return 0;
}

static void
on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	struct restore *r = arg;
	struct err e = ERR_INIT;

	if (s == CHILD_STDERR) {
		if (r->pass == COMPARE || strncmp(line, "rsync error:", 12) == 0)
			return;
		if (r->errors++ < ERRORS_SHOWN)
			log_warn("%s", line);
		return;
	}
	if (item(r, line, &e) == -1) {
		fail(r, &e);
		return;
	}
	if (r->pass != COPY || !sink_line(line, &r->now) ||
	    loop_now_ms(r->loop) < r->said_ms + SHOW_MS)
		return;
	r->said_ms = loop_now_ms(r->loop);
	show_progress(r->show, &r->now);
}

static void
on_over(void *arg)
{
	/* The store has the last word, or hangs up. */
}

/* --- our half --- */

static int
options(const struct restore *r, struct strv *v)
{
	int rc = 0;

	if (r->pass != COPY) {
		rc |= strv_add(v, "--dry-run");
		rc |= strv_add(v, "-ii");
		rc |= strv_add(v, "--out-format=" LACK_FORMAT);
	}
	/* The other names of these kinds take a right that no restore needs;
	 * without a rule rsync would not even compare what it may not set. */
	if (r->o->privileged || r->pass == COMPARE) {
		rc |= strv_add(v, "--filter=+x security.capability");
		rc |= strv_add(v, "--filter=-x security.*");
		rc |= strv_add(v, "--filter=-x system.*");
		rc |= strv_add(v, "--filter=-x trusted.*");
	}
	if (!r->o->privileged)
		rc |= strv_add(v, "--no-super");
	if (!r->o->privileged && r->pass == COPY)
		rc |= strv_add(v, "--chmod=ug-s");
	return rc;
}

static enum request_compress
compress(const struct settings_job *j)
{
	return j->compress == COMPRESS_ZSTD ? REQUEST_COMPRESS_ZSTD :
	    j->compress == COMPRESS_ZLIB ? REQUEST_COMPRESS_ZLIB :
	    REQUEST_COMPRESS_NONE;
}

static int
start_half(struct restore *r, struct err *e)
{
	static const struct xfer_calls calls = { on_line, on_over };
	struct strv sources = { 0 }, more = { 0 };
	struct sink_spec s = { .dir = r->place.dir, .target = "./",
		.paths = &sources, .more = &more,
		.privileged = r->o->privileged,
		.compress = compress(r->job),
		.bandwidth = r->client == NULL ? r->job->bandwidth : 0 };
	struct half_calls half;
	int rc = -1;

	if (restoreargs_make(&r->paths, r->place.base, &sources, &more,
	    e) == -1)
		goto out;
	if (options(r, &more) != 0) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	xfer_init(&r->xfer, conn_chan(r->conn), &calls, r);
	half = xfer_calls(&r->xfer);
	r->xfer.half = sink_start(r->loop, &s, &half, e);
	rc = r->xfer.half != NULL ? 0 : -1;
out:
	strv_clear(&sources);
	strv_clear(&more);
	return rc;
}

/* --- the store --- */

/* What it calls the snapshot becomes a name of a folder. */
static int
take_name(struct restore *r, const struct reply *a, struct err *e)
{
	struct snapname n;

	if (snapname_parse(a->snapshot, &n, NULL) == -1 ||
	    (strcmp(r->snapshot, REQUEST_LATEST) != 0 &&
	    strcmp(r->snapshot, a->snapshot) != 0))
		return err_set(e, ERR_PEER, "%s: answered with another "
		    "snapshot than was asked for", r->job->destination);
	snprintf(r->snapshot, sizeof(r->snapshot), "%s", a->snapshot);
	return 0;
}

static int
begin(struct restore *r, const struct reply *a, struct err *e)
{
	if (take_name(r, a, e) == -1)
		return -1;
	if (r->pass != COMPARE) {
		if (place_open(r->o->to, r->snapshot, &r->paths,
		    r->pass == DRY, &r->place, e) == -1)
			return -1;
		if (place_original(&r->place) && r->pass == COPY)
			log_warn("%s: what is at the original place is "
			    "replaced", r->snapshot);
		show_answer(r->show, a);
	}
	return start_half(r, e);
}

static void
on_answer(void *arg, const struct reply *a)
{
	struct restore *r = arg;
	struct err e = ERR_INIT;

	if (a->status != 0)
		err_set(&e, a->status == 75 ? ERR_BUSY : ERR_REFUSED, "%s: %s",
		    r->job->destination, a->why);
	else if (begin(r, a, &e) == 0)
		return;
	fail(r, &e);
}

/* The store is done; are we? */
static void
judge(struct restore *r, const struct reply *last)
{
	const char *why = sink_why(r->xfer.rc);
	struct err e = ERR_INIT;

	if (last->status != 0)
		err_set(&e, last->status == 75 ? ERR_TIMEOUT : ERR_PEER,
		    "%s: %s", r->job->destination, last->why);
	else if (!r->xfer.over)
		err_set(&e, ERR_PEER, "%s: called it done before the end",
		    r->job->destination);
	else if (why != NULL && r->xfer.rc != 23)
		err_set(&e, ERR_PEER, "%s (rsync's status here %d): %s", why,
		    r->xfer.rc, r->xfer.said);
	if (e.code != ERR_NONE) {
		fail(r, &e);
		return;
	}
	if (r->xfer.rc == 23 && r->errors == 0 && r->pass == COPY)
		r->errors = 1;
	r->done = true;
	loop_stop(r->loop);
}

static int
on_frame(void *arg, char type, const char *data, size_t len, struct err *e)
{
	struct restore *r = arg;
	struct reply p;

	if (type == MSG_DATA || type == MSG_END)
		return xfer_frame(&r->xfer, type, data, len, e);
	if (reply_parse(data, len, &p, e) == -1)
		return -1;
	if (type == MSG_RESULT)
		judge(r, &p);
	return 0;
}

static void
on_room(void *arg)
{
	struct restore *r = arg;

	xfer_room(&r->xfer);
}

static void
on_end(void *arg, const struct err *e)
{
	if (!((struct restore *)arg)->done)
		fail(arg, e);
}

static void
on_signal(void *arg, int signo)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_REFUSED, "interrupted");
	fail(arg, &e);
}

/* --- one pass --- */

static int
ask(struct restore *r, struct err *e)
{
	static const struct conn_calls calls = { on_answer, on_frame, on_room,
		on_end };
	struct request q = { .op = REQUEST_RESTORE, .paths = r->paths,
		.snapshot = r->snapshot, .compress = compress(r->job) };

	if (version_rsync(&q.rsync, e) == -1)
		return -1;
	r->conn = r->client != NULL ? conn_local(r->loop, r->o->store,
	    r->client, &q, &calls, r, e) :
	    conn_open(r->loop, r->job, &q, &calls, r, e);
	free(q.rsync);
	return r->conn != NULL ? 0 : -1;
}

static int
run_pass(struct restore *r, enum pass pass, struct err *e)
{
	int rc;

	r->pass = pass;
	r->done = false;
	r->err = (struct err)ERR_INIT;
	rc = ask(r, e);
	if (rc == 0)
		rc = loop_run(r->loop, e);
	xfer_clear(&r->xfer);
	conn_free(r->conn);
	r->conn = NULL;
	if (rc == 0 && !r->done) {
		*e = r->err;
		rc = -1;
	}
	return rc;
}

/* --- all of it --- */

static int
prepare(struct restore *r, struct err *e)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	size_t i;

	r->loop = loop_new(e);
	if (r->loop == NULL)
		return -1;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (loop_signal(r->loop, signals[i], on_signal, r, e) == -1)
			return -1;
	r->show = show_new(r->loop, r->o, r->job, e);
	r->begin_ms = loop_now_ms(r->loop);
	return r->show != NULL ? 0 : -1;
}

static int
all(struct restore *r, struct err *e)
{
	struct restore_said said = { .section = r->job->section,
		.result = &r->now, .lack = &r->lack };
	struct err why = ERR_INIT;

	if (run_pass(r, r->o->dry_run ? DRY : COPY, e) == -1)
		return -1;
	if (r->o->dry_run)
		return 0;
	r->now.seconds = (loop_now_ms(r->loop) - r->begin_ms) / 1000;
	snprintf(r->now.snapshot, sizeof(r->now.snapshot), "%s", r->snapshot);
	if (!r->o->privileged && run_pass(r, COMPARE, &why) == -1) {
		log_warn("what could not be brought back is not known: %s",
		    why.msg);
		r->errors++;
	}
	show_free(r->show);
	r->show = NULL;
	said.to = r->place.to;
	said.errors = r->errors;
	return restore_said(r->o, &said);
}

static int
check(struct restore *r, struct settings_job *local, struct err *e)
{
	struct backup_opts *o = r->o;
	struct snapname n = { .time_s = 0 };
	bool latest = strcmp(o->args.v[0], REQUEST_LATEST) == 0;

	if (!latest && snapname_parse(o->args.v[0], &n, e) == -1)
		return -1;
	snprintf(r->snapshot, sizeof(r->snapshot), "%s", o->args.v[0]);
	if (o->privileged && geteuid() != 0)
		return err_set(e, ERR_USAGE, "--privileged: for root only; "
		    "without it all is restored that you may own");
	if (restoreargs_paths(o->args.v + 1, o->args.n - 1, &r->paths,
	    e) == -1)
		return -1;
	if (o->side == SIDE_STORE) {
		if (o->client == NULL && latest)
			return err_set(e, ERR_USAGE, "the latest of whom? "
			    "--client NAME");
		local->section = o->client != NULL ? o->client :
		    strdup(n.client);
		local->destination = o->store;
		r->job = local;
		r->client = local->section;
		return r->client != NULL ? 0 : err_set(e, ERR_MEM,
		    "out of memory");
	}
	r->job = opts_job(o, NULL, e);
	return r->job == NULL ? -1 : 0;
}

int
backup_restore(struct backup_opts *o, struct err *e)
{
	struct restore r = { .o = o, .err = ERR_INIT };
	struct settings_job local = { 0 };
	int status = -1;

	if (check(&r, &local, e) == 0 && prepare(&r, e) == 0)
		status = all(&r, e);
	place_close(&r.place, status != -1 && !o->dry_run);
	show_free(r.show);
	loop_free(r.loop);
	lack_clear(&r.lack);
	strv_clear(&r.paths);
	if (local.section != o->client)
		free(local.section);
	return status;
}
