/* SPDX-License-Identifier: ISC */
#include "restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "restore_said.h"
#include "restoreargs.h"
#include "sink.h"
#include "ui/log.h"
#include "version.h"

#define SHOW_MS 500
#define ERRORS_SHOWN 50

void
restore_fail(struct restore *r, const struct err *e)
{
	if (r->err.code == ERR_NONE)
		r->err = *e;
	if (r->lost)
		return;		/* on_over() comes */
	/* Killed, rsync would leave what has come of a file, by a name that
	 * nobody looks for. */
	r->lost = r->pass == RESTORE_COPY && r->xfer.half != NULL &&
	    !r->xfer.peer_over;
	if (r->lost)
		xfer_lost(&r->xfer);
	else
		loop_stop(r->loop);
}

/* --- what our rsync says --- */

/* A folder that only leads to what was asked for: whose it is here, nobody
 * wanted to know. name: below the base. */
static bool
on_the_way(const struct restore *r, const char *name)
{
	size_t base = strlen(r->place.base), len = strlen(name), i;

	if (base > 1)
		base++;
	for (i = 0; i < r->paths.n; i++)
		if (strlen(r->paths.v[i]) > base &&
		    strncmp(r->paths.v[i] + base, name, len) == 0 &&
		    r->paths.v[i][base + len] == '/')
			return true;
	return false;
}

static bool
owner_is(void *arg, const char *name, uint32_t uid, uint32_t gid)
{
	const struct restore *r = arg;
	struct stat st;

	if (on_the_way(r, name))
		return true;
	if (place_stat(&r->place, name, &st) == -1 || st.st_uid != uid)
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

	if (r->pass == RESTORE_COMPARE)
		return lack_line(&r->lack, line, base, owner_is, r, e);
	if (r->pass == RESTORE_DRY && lack_parse(line, &it) && lack_new(&it))
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
		if (r->pass == RESTORE_COMPARE ||
		    strncmp(line, "rsync error:", 12) == 0)
			return;
		if (r->errors++ < ERRORS_SHOWN)
			log_warn("%s", line);
		return;
	}
	if (item(r, line, &e) == -1) {
		restore_fail(r, &e);
		return;
	}
	if (r->pass != RESTORE_COPY || !sink_line(line, &r->now) ||
	    loop_now_ms(r->loop) < r->said_ms + SHOW_MS)
		return;
	r->said_ms = loop_now_ms(r->loop);
	show_progress(r->show, &r->now);
}

static void
on_over(void *arg)
{
	struct restore *r = arg;

	/* Else the store has the last word, or hangs up. */
	if (r->lost)
		loop_stop(r->loop);
}

/* --- our half --- */

static int
options(const struct restore *r, struct strv *v)
{
	int rc = 0;

	if (r->pass != RESTORE_COPY) {
		rc |= strv_add(v, "--dry-run");
		rc |= strv_add(v, "-ii");
		rc |= strv_add(v, "--out-format=" LACK_FORMAT);
	}
	/* The other names of these kinds take a right that no restore needs;
	 * without a rule rsync would not even compare what it may not set. */
	if (r->o->privileged || r->pass == RESTORE_COMPARE) {
		rc |= strv_add(v, "--filter=+x security.capability");
		rc |= strv_add(v, "--filter=-x security.*");
		rc |= strv_add(v, "--filter=-x system.*");
		rc |= strv_add(v, "--filter=-x trusted.*");
	}
	if (!r->o->privileged)
		rc |= strv_add(v, "--no-super");
	if (!r->o->privileged && r->pass == RESTORE_COPY)
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
	static const struct xfer_calls calls = { .on_line = on_line,
		.on_over = on_over };
	struct strv sources = { 0 }, more = { 0 };
	struct sink_spec s = { .dir = r->place.dir, .target = "./",
		.paths = &sources, .more = &more, .sparse = true,
		.privileged = r->o->privileged,
		.progress = r->pass == RESTORE_COPY && show_live(r->show),
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
	if (r->pass != RESTORE_COMPARE) {
		if (place_open(r->o->to, r->snapshot, &r->paths,
		    r->pass == RESTORE_DRY, &r->place, e) == -1)
			return -1;
		if (place_original(&r->place) && r->pass == RESTORE_COPY)
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
	restore_fail(r, &e);
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
		restore_fail(r, &e);
		return;
	}
	if (r->xfer.rc == 23 && r->errors == 0 && r->pass == RESTORE_COPY)
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
		restore_fail(arg, e);
}

/* --- all of it --- */

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

int
restore_pass(struct restore *r, enum restore_pass pass, struct err *e)
{
	int rc;

	r->pass = pass;
	r->done = r->lost = false;
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
