/* SPDX-License-Identifier: ISC */
#include "audit.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/esc.h"
#include "index.h"
#include "store_hold.h"
#include "store_list.h"
#include "store_runs.h"
#include "sys/clock.h"
#include "sys/lock.h"
#include "ui/log.h"

#define LOCK_NAME "verify.lock"
#define AHEAD_MAX 60		/* seconds */
#define FIRST_TEXT 200		/* bytes of the first finding that are kept */

struct audit {
	const struct store_client *client;
	const struct audit_opts *o;
	struct catalog cat;
	struct verify_opts v;
	int twin_hold;			/* of v.twin */
	char twin[SNAPNAME_MAX + 1];
	struct reply now, sum;
	uint64_t skipped;		/* snapshots without a manifest */
	uint64_t wrong;			/* files, since before */
	bool rebuilt;
	char first[FIRST_TEXT];		/* finding, escaped */
};

static void
remember(struct audit *a, const struct hits_found *f)
{
	struct buf b;

	if (a->first[0] != '\0')
		return;
	buf_init(&b, 4 * HITS_RECORD_MAX);
	if (buf_addf(&b, "%s ", hits_kind(f->kind)) == 0 &&
	    esc_text(&b, f->path, strnlen(f->path, HITS_PATH_MAX)) == 0)
		snprintf(a->first, sizeof(a->first), "%s", b.data);
	buf_clear(&b);
}

static int
on_found(void *arg, const struct verify_found *v, struct err *e)
{
	struct audit *a = arg;
	const struct hits_found f = { .kind = v->kind, .path = v->path,
		.snapshot = v->snap->name, .what = v->what, .why = v->why };

	remember(a, &f);
	a->sum.found++;
	return a->o->found(a->o->arg, &f, e);
}

static int
on_verify(void *arg, const struct verify_stats *sofar, struct err *e)
{
	struct audit *a = arg;

	a->now.files = sofar->files;
	a->now.read = sofar->read;
	a->now.bytes = sofar->bytes;
	a->now.total = sofar->total;
	a->now.found = a->sum.found;
	a->o->progress(a->o->arg, &a->now);
	return 0;
}

static int
on_manifest(void *arg, const char *snapshot,
    const struct manifest_stats *sofar, struct err *e)
{
	struct audit *a = arg;
	struct reply p = { .files = sofar->files,
		.bytes = sofar->hashed_bytes };

	snprintf(p.phase, sizeof(p.phase), "manifest");
	snprintf(p.snapshot, sizeof(p.snapshot), "%s", snapshot);
	a->o->progress(a->o->arg, &p);
	return 0;
}

static int
sync_index(struct audit *a, bool anew, struct err *e)
{
	const struct index_opts o = { .check = !anew, .anew = anew,
		.stop = a->o->stop, .progress = on_manifest, .arg = a };
	struct index_state st = { .made = 0 };
	int rc = index_sync(a->client, &o, &st, e);

	a->rebuilt |= st.rebuilt;
	if (rc == 0)
		rc = index_open(a->client, true, &a->cat, e);
	return rc;
}

/* One that is damaged though it looked well: once more, with a new one. */
static int
verify_held(struct audit *a, const char *name, struct verify_stats *st,
    struct err *e)
{
	int rc = verify_run(&a->cat, &a->v, st, e);

	if (rc == 0 || !a->cat.damaged || a->rebuilt)
		return rc;
	catalog_close(&a->cat);
	if (e != NULL)
		*e = (struct err)ERR_INIT;
	if (sync_index(a, true, e) == -1)
		return -1;
	return verify_run(&a->cat, &a->v, st, e);
}

static void
drop_twin(struct audit *a)
{
	if (a->v.twin != NULL) {
		close(a->v.twin_root);
		close(a->twin_hold);
	}
	a->v.twin = NULL;
}

/* named: it was asked for, and must be there. */
static int
one(struct audit *a, const char *name, bool named, struct err *e)
{
	struct verify_stats st = { 0 };
	struct err why = ERR_INIT;
	bool well = false;
	int hold, rc;

	if (store_hold_take(a->client, name, &hold, &a->v.root, &why) == -1) {
		if (!named && why.code == ERR_REFUSED)
			return 0;
		if (e != NULL)
			*e = why;
		return -1;
	}
	rc = 0;
	if (catalog_snap(&a->cat, name) == NULL) {
		a->skipped++;
		if (named)
			rc = err_set(e, ERR_BUSY, "%s: its manifest is being "
			    "made", name);
	} else {
		a->v.snapshot = name;
		snprintf(a->now.snapshot, sizeof(a->now.snapshot), "%s",
		    name);
		rc = verify_held(a, name, &st, e);
		well = rc == 0 && st.found == 0;
		a->sum.files += st.files;
		a->sum.read += st.read;
		a->sum.bytes += st.bytes;
	}
	drop_twin(a);
	/* The next one is compared with it. */
	if (well) {
		snprintf(a->twin, sizeof(a->twin), "%s", name);
		a->v.twin = a->twin;
		a->v.twin_root = a->v.root;
		a->twin_hold = hold;
	} else {
		close(a->v.root);
		close(hold);
	}
	return rc;
}

static int
all(struct audit *a, struct err *e)
{
	struct store_list list = { 0 };
	size_t i;
	int rc = 0;

	if (store_list_read(a->client, &list, e) == -1)
		return -1;
	for (i = 0; rc == 0 && i < list.n; i++)
		rc = one(a, list.snaps[i].name, false, e);
	store_list_clear(&list);
	return rc;
}

/*
 * Which content is due. A file that snapshots share is read once for all of
 * them: what has this run's date is not due again. So that date is one that
 * nothing has yet, a second ahead, or a few when runs follow each other fast.
 */
static int
set_due(struct audit *a, struct err *e)
{
	int64_t now = a->client->store->now(), newest = 0;

	if (verify_newest(&a->cat, now + AHEAD_MAX, &newest, e) == -1)
		return -1;
	a->v = (struct verify_opts){ .now = (newest > now ? newest : now) + 1,
		.threads = MANIFEST_THREADS, .sample = a->o->sample * 100,
		.stop = a->o->stop, .found = on_found,
		.progress = on_verify, .arg = a };
	a->v.since = a->o->max_age_s > 0 ? now - a->o->max_age_s : a->v.now;
	randombytes_buf(a->v.seed, sizeof(a->v.seed));
	return 0;
}

static int
run(struct audit *a, struct err *e)
{
	const struct strv *names = a->o->snapshots;
	size_t i;
	int rc = 0;

	snprintf(a->now.phase, sizeof(a->now.phase), "verify");
	if (sync_index(a, false, e) == -1 || set_due(a, e) == -1)
		return -1;
	if (names == NULL || names->n == 0)
		rc = all(a, e);
	else
		for (i = 0; rc == 0 && i < names->n; i++)
			rc = one(a, names->v[i], true, e);
	drop_twin(a);
	if (rc == 0)
		rc = verify_wrong(&a->cat, &a->wrong, e);
	return rc;
}

static void
sum_up(struct audit *a)
{
	struct reply *r = &a->sum;

	if (r->found > 0)
		snprintf(r->why, sizeof(r->why), "%" PRIu64 " found: %s%s",
		    r->found, a->first, r->found > 1 ? ", …" : "");
	else if (a->rebuilt)
		snprintf(r->why, sizeof(r->why), "the catalogue was damaged, "
		    "and has been made again from the snapshots: what had "
		    "rotted by then can't be told any more");
	else if (a->skipped > 0)
		snprintf(r->why, sizeof(r->why), "of %" PRIu64 " snapshots the "
		    "manifest is being made", a->skipped);
	r->status = r->why[0] != '\0' ? 2 : 0;
}

/* Not a run that was stopped and had found nothing: it tells nothing. */
static void
note(struct audit *a, const struct err *e)
{
	const struct strv *names = a->o->snapshots;
	const struct reply *r = &a->sum;
	struct store_run line = { .time_s = a->client->store->now(),
		.op = "verify", .files = r->files, .bytes = r->bytes,
		.seconds = r->seconds };
	bool stopped = e != NULL && a->o->stop != NULL &&
		atomic_load(a->o->stop);
	const char *state = STORE_RUNS_OK;
	struct err why = ERR_INIT;

	if (e != NULL && ((stopped && r->found == 0) || e->code == ERR_BUSY ||
	    e->code == ERR_CONFIG))
		return;
	if (names != NULL && names->n == 1)
		snprintf(line.snapshot, sizeof(line.snapshot), "%s",
		    names->v[0]);
	if (e != NULL && r->found == 0) {
		state = STORE_RUNS_FAILED;
		snprintf(line.message, sizeof(line.message), "%.390s", e->msg);
	} else if (r->found > 0 || r->status != 0) {
		state = STORE_RUNS_WARN;
		snprintf(line.message, sizeof(line.message), "%.390s", r->why);
	} else if (a->wrong > 0) {
		state = STORE_RUNS_WARN;
		snprintf(line.message, sizeof(line.message), "%" PRIu64 " files "
		    "were wrong before", a->wrong);
	}
	snprintf(line.state, sizeof(line.state), "%s", state);
	if (store_runs_add(a->client, &line, &why) == -1)
		log_err(&why);
}

int
audit_client(const struct store_client *c, const struct audit_opts *o,
    struct reply *ret, struct err *e)
{
	struct audit a = { .client = c, .o = o };
	struct err why = ERR_INIT;
	uint64_t begin = clock_ms();
	int lock = -1, rc;
	char path[640];

	snprintf(path, sizeof(path), "%s/" LOCK_NAME, c->admin_path);
	if (lock_take_at(c->admin_fd, LOCK_NAME, path, 0, &lock,
	    &why) == -1) {
		if (why.code == ERR_BUSY)
			err_set(&why, ERR_BUSY, "another verify of %s is under "
			    "way", c->name);
		rc = -1;
	} else {
		rc = run(&a, &why);
		catalog_close(&a.cat);
		a.sum.seconds = (clock_ms() - begin) / 1000;
		sum_up(&a);
		note(&a, rc == -1 ? &why : NULL);
		close(lock);
	}
	if (rc == 0)
		*ret = a.sum;
	else if (e != NULL)
		*e = why;
	return rc;
}
