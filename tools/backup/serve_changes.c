/* SPDX-License-Identifier: ISC */
#include "serve_run.h"

#include <string.h>

#include "store_listed.h"
#include "store_runs.h"

/*
 * A backup whose client knows what has changed since the last snapshot: when
 * we go by that, how it comes, and what is made of it before rsync is asked
 * for the rest, and after.
 */

static bool
same_list(const struct strv *a, const struct strv *b)
{
	size_t i;

	for (i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return a->n == b->n;
}

/* Whether it was made of the same roots in the same way. */
static bool
same_made(struct serve *s)
{
	const struct store_rec *now = &run_of(s)->rec;
	struct store_rec was;
	bool same;

	if (store_rec_get(&s->client, run_of(s)->build.prev, &was, NULL) ==
	    -1)
		return false;
	same = same_list(&was.roots, &now->roots) &&
	    same_list(&was.excludes, &now->excludes) &&
	    was.one_fs == now->one_fs && was.real == now->real &&
	    was.backend == run_of(s)->build.backend &&
	    strcmp(was.job, now->job) == 0;
	store_rec_clear(&was);
	return same;
}

/* What a verify missed in old snapshots only a whole look brings back. */
static bool
is_sound(struct serve *s)
{
	struct store_runs runs = { 0 };
	struct store_runs_state st;
	bool sound;

	if (store_runs_read(&s->client, &runs, NULL) == -1)
		return false;
	store_runs_state(&runs, s->store.now(), &st);
	sound = !st.verify_bad;
	store_runs_clear(&runs);
	return sound;
}

int
run_listed(struct serve *s, struct err *e)
{
	struct run *r = run_of(s);

	if (!r->build.listed || (same_made(s) && is_sound(s)))
		return 0;
	return store_listed_not(&s->client, &r->build, e);
}

/* --- they come --- */

/* The client's rsync begins to speak before ours is there. */
static int
keep_early(struct run *r, char type, const char *data, size_t len,
    struct err *e)
{
	return msg_add(&r->early, type, data, len) == 0 ? 0 :
	    err_set(e, ERR_PEER, "its rsync goes on before ours has begun");
}

static int
on_early(void *arg, char type, const char *data, size_t len, struct err *e)
{
	struct serve *s = arg;

	return xfer_frame(&s->xfer, type, data, len, e);
}

static void
join(struct serve *s)
{
	struct run *r = run_of(s);
	struct err e = ERR_INIT;
	struct msg_in in;
	int rc;

	s->op_frame = NULL;
	if (run_join(s, &e) == -1) {
		run_refuse(s, &e);
		return;
	}
	run_phase(s, "transfer");
	msg_init(&in);
	rc = msg_feed(&in, r->early.data, r->early.len, NULL, on_early, s,
	    &e);
	msg_clear(&in);
	buf_clear(&r->early);
	if (rc == -1)
		run_lost(s, &e);
}

static void
on_applied(void *arg, const struct err *e)
{
	struct serve *s = arg;
	struct run *r = run_of(s);

	r->applying = false;
	if (r->lost.code != ERR_NONE) {
		s->op_frame = NULL;
		run_give_up(s);
	} else if (e != NULL) {
		run_refuse(s, e);
	} else if (!r->build.listed || changes_new(r->text.data, r->text.len)) {
		join(s);
	} else {
		s->op_frame = NULL;
		run_received(s);
	}
}

static int
apply(void *arg, struct err *e)
{
	struct serve *s = arg;
	struct run *r = run_of(s);

	if (!r->build.listed)
		return store_listed_not(&s->client, &r->build, e) == -1 ?
		    -1 : run_trim(s, e);
	return store_listed_before(&s->client, &r->build, &r->changes, e);
}

static int
begin_apply(struct serve *s, struct err *e)
{
	struct run *r = run_of(s);

	r->applying = true;
	worker_free(s->worker);
	s->worker = worker_start(s->loop, apply, on_applied, s, e);
	if (s->worker != NULL)
		return 0;
	r->applying = false;
	return -1;
}

/* serve.h's op_frame, until our rsync has begun. */
int
run_changes(struct serve *s, char type, const char *data, size_t len,
    struct err *e)
{
	struct run *r = run_of(s);

	if (type != MSG_CHANGES)
		return keep_early(r, type, data, len, e);
	if (r->told)
		return err_set(e, ERR_PEER, "changes come after their end");
	switch (changes_take(&r->text, data, len, &r->sums, e)) {
	case CHANGES_MORE:
		return 0;
	case CHANGES_END:
		if (changes_parse(r->text.data, r->text.len, &r->changes,
		    e) == -1)
			return -1;
		break;
	case CHANGES_NONE:
		r->build.listed = false;
		break;
	default:
		return -1;
	}
	r->told = true;
	return begin_apply(s, e);
}

/* --- after rsync --- */

static int
fill(void *arg, struct err *e)
{
	struct serve *s = arg;
	struct run *r = run_of(s);

	return store_listed_after(&s->client, &r->build, &r->changes,
	    r->sums.top_ns, &r->stop, e);
}

static void
on_filled(void *arg, const struct err *e)
{
	struct serve *s = arg;
	struct run *r = run_of(s);

	r->applying = r->filling = false;
	if (r->lost.code != ERR_NONE) {
		run_give_up(s);
		return;
	}
	if (e != NULL) {
		run_refuse(s, e);
		return;
	}
	/* What rsync counted is what changed. */
	r->rec.files = r->sums.files;
	r->rec.bytes = r->sums.bytes;
	r->now.files = r->sums.files;
	r->now.bytes = r->sums.bytes;
	run_taken(s);
}

void
run_fill(struct serve *s)
{
	struct run *r = run_of(s);
	struct err e = ERR_INIT;

	/* It is made whether the client waits or not; but not when it takes
	 * more than it may. */
	r->applying = r->filling = true;
	run_phase(s, "link");
	worker_free(s->worker);
	s->worker = worker_start(s->loop, fill, on_filled, s, &e);
	if (s->worker != NULL)
		return;
	r->applying = r->filling = false;
	run_refuse(s, &e);
}
