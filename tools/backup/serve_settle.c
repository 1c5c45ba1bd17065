/* SPDX-License-Identifier: ISC */
#include "serve_run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "index.h"
#include "prune.h"
#include "store_file.h"
#include "store_ready.h"
#include "store_remove.h"
#include "store_weigh.h"

#define LOOK_MS 50
#define TICK_MS 1000

enum { STEP_SYNC, STEP_MANIFEST };

/* In the thread: what the loop tells of it is in atomics. */
static int
catalogue_progress(void *arg, const char *snapshot,
    const struct manifest_stats *sofar, struct err *e)
{
	struct run *r = run_of(arg);

	atomic_store(&r->hashed, sofar->hashed_bytes);
	return 0;
}

/* Who is at it already, a verify, sees to this snapshot as well. */
static void
catalogue(struct serve *s)
{
	struct run *r = run_of(s);
	const bool listed = r->build.listed;
	const struct index_opts o = { .progress = catalogue_progress,
		.newest = listed ? r->snapshot : NULL,
		.since = listed ? r->build.prev : NULL,
		.changes = listed ? &r->changes : NULL, .arg = s };
	struct index_state st = { .made = 0 };
	struct err why = ERR_INIT;

	if (index_sync(&s->client, &o, &st, &why) == -1)
		snprintf(r->warning, sizeof(r->warning), "the catalogue: "
		    "%.230s", why.msg);
	else if (st.rebuilt)
		snprintf(r->warning, sizeof(r->warning), "the catalogue was "
		    "damaged, and has been made again");
}

/* How far the thread is: once a second, and soon when it comes to the next
 * step, so that whoever listens can tell what each takes. */
static void
on_tick(void *arg)
{
	struct serve *s = arg;
	struct run *r = run_of(s);
	struct reply p = { .files = r->now.files };
	const char *name = atomic_load(&r->step) == STEP_MANIFEST ?
	    "manifest" : "sync";
	uint64_t now = loop_now_ms(s->loop);

	if (strcmp(name, r->now.phase) == 0 && now < r->said_ms + TICK_MS)
		return;
	r->said_ms = now;
	snprintf(r->now.phase, sizeof(r->now.phase), "%s", name);
	snprintf(p.phase, sizeof(p.phase), "%s", name);
	p.bytes = atomic_load(&r->hashed);
	serve_progress(s, &p);
}

static uint64_t
within(uint64_t claim, uint64_t least, uint64_t most)
{
	return claim < least ? least : claim > most ? most : claim;
}

/* What it takes on the disk, where that is not sure: eviction goes by the
 * records, so nothing is in them that is only the sender's word. */
static int
weigh(struct serve *s, struct err *e)
{
	struct run *r = run_of(s);
	struct store_weight w;

	if (store_weigh(&s->client, r->build.prev, NULL, &w, e) == -1)
		return -1;
	r->rec.added = w.bytes;
	r->rec.inodes = w.inodes;
	r->rec.bytes = within(r->rec.bytes, w.bytes, w.all_bytes);
	r->rec.files = within(r->rec.files, w.inodes, w.names);
	if (w.bytes <= r->room && w.inodes <= r->room_inodes)
		return 0;
	(void)store_remove_incoming(&s->client, NULL);
	if (w.bytes <= r->room)
		return guard_over_inodes(&s->client, &w, r->room_inodes, e);
	return err_set(e, ERR_REFUSED, "%s: over its quota: there was room for "
	    "%llu bytes and %llu came; they are removed", s->client.name,
	    (unsigned long long)r->room, (unsigned long long)w.bytes);
}

/* btrfs, and others, count what was written only once it is on the disk: until
 * then neither the guard nor its doubt could see it. */
static int
look_again(struct serve *s, struct err *e)
{
	struct run *r = run_of(s);

	if (!guard_limits(r->guard))
		return 0;
	if (syncfs(s->client.fd) == -1)
		return err_sys(e, "%s: syncfs", s->client.path);
	if (guard_low(r->guard, e)) {
		/* Where it can't be known, the next run goes on with it. */
		if (e->code == ERR_REFUSED)
			(void)store_remove_incoming(&s->client, NULL);
		return -1;
	}
	if (!r->doubt)
		r->doubt = run_doubt(r);
	return 0;
}

/* What was cut short twice is not there, as with hard links: in place it is
 * some of the new file and some of the one before. */
static int
without_torn(struct serve *s, struct err *e)
{
	int fd, rc;

	if (run_of(s)->torn.n == 0)
		return 0;
	if (store_file_dir(s->client.fd, s->client.path, STORE_INCOMING, &fd,
	    e) == -1)
		return -1;
	rc = store_ready_torn(fd, s->client.path, &run_of(s)->torn, e);
	close(fd);
	return rc;
}

static int
finish(void *arg, struct err *e)
{
	struct serve *s = arg;
	struct run *r = run_of(s);
	struct strv removed = { 0 };
	struct err why = ERR_INIT;

	if (without_torn(s, e) == -1 || look_again(s, e) == -1 ||
	    (r->doubt && weigh(s, e) == -1))
		return -1;
	if (store_build_finish(&s->client, &r->build, &r->rec, r->snapshot,
	    e) == -1)
		return -1;
	/* The snapshot is there: what old ones are left is no failure of it. */
	if (prune_client(&s->client, &s->policy, NULL, false, &removed,
	    &why) == -1)
		snprintf(r->warning, sizeof(r->warning), "old snapshots: %.230s",
		    why.msg);
	run_removed(r, "by the rules", &removed);
	strv_clear(&removed);
	atomic_store(&r->step, STEP_MANIFEST);
	catalogue(s);
	return 0;
}

static void
on_finished(void *arg, const struct err *e)
{
	struct serve *s = arg;
	struct run *r = run_of(s);

	loop_timer_stop(r->tick);
	if (e != NULL) {
		run_refuse(s, e);
		return;
	}
	r->now.phase[0] = '\0';
	r->now.seconds = r->rec.seconds;
	r->now.vanished = r->rec.vanished;
	r->now.changed = r->rec.changed;
	snprintf(r->now.snapshot, sizeof(r->now.snapshot), "%s",
	    r->snapshot);
	run_done(s);
}

void
run_settle(struct serve *s)
{
	struct run *r = run_of(s);
	struct err e = ERR_INIT;

	r->finishing = true;
	r->tick = loop_timer_new(s->loop, LOOK_MS, LOOK_MS, on_tick, s, &e);
	if (r->tick == NULL) {
		run_refuse(s, &e);
		return;
	}
	snprintf(r->now.phase, sizeof(r->now.phase), "sync");
	serve_progress(s, &r->now);
	worker_free(s->worker);
	s->worker = worker_start(s->loop, finish, on_finished, s, &e);
	if (s->worker == NULL)
		run_refuse(s, &e);
}
