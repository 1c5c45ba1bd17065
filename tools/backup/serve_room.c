/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "serve_run.h"
#include "store_evict.h"
#include "store_remove.h"
#include "store_runs.h"
#include "store_trim.h"
#include "store_weigh.h"

/* Another client's run may be taking something of this one's (evict-others,
 * or what was abandoned), a snapshot at a time. */
#define LOCK_MS 5000

uint64_t
run_min_free(const struct serve *s)
{
	int64_t n = s->o->conf.store.min_free;

	return n > 0 ? (uint64_t)n : 0;
}

/* The owner's limit of how often a client may come. */
static int
too_soon(const struct serve *s, struct err *e)
{
	struct store_runs runs = { 0 };
	struct store_runs_state st;
	int64_t ago_s, limit_s = (s->policy.rate_limit + 999) / 1000;
	int rc = 0;

	if (limit_s <= 0)
		return 0;
	if (store_runs_read(&s->client, &runs, e) == -1)
		return -1;
	store_runs_state(&runs, s->store.now(), &st);
	/* A clock that was set back must not lock anybody out. */
	if (st.last != NULL && s->store.now() >= st.last->time_s) {
		ago_s = s->store.now() - st.last->time_s +
		    (int64_t)st.last->seconds;
		if (ago_s < limit_s)
			rc = err_set(e, ERR_BUSY, "the last run began %lld s "
			    "ago; the store allows one in %lld s",
			    (long long)ago_s, (long long)limit_s);
	}
	store_runs_clear(&runs);
	return rc;
}

static uint64_t
less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* How much the run may take, and what a broken one has taken of it. */
static int
reckon(struct serve *s, uint64_t quota, struct err *e)
{
	struct run *r = run_of(s);
	struct store_space_room all;
	struct store_rec prev;
	uint64_t bytes, inodes;

	if (r->build.prev[0] != '\0' &&
	    store_rec_get(&s->client, r->build.prev, &prev, NULL) == 0) {
		r->prev_bytes = prev.bytes;
		r->prev_files = prev.files;
		store_rec_clear(&prev);
	}
	r->room = r->room_inodes = UINT64_MAX;
	if (quota > 0) {
		if (store_evict_used(&s->client, &bytes, &inodes, e) == -1 ||
		    store_evict_room(s->client.fd, s->client.path, &all, e) ==
		    -1)
			return -1;
		r->room = less(quota, bytes);
		r->room_inodes = store_space_quota_inodes(quota, &all);
		if (r->room_inodes != UINT64_MAX)
			r->room_inodes = less(r->room_inodes, inodes);
	}
	return !r->build.resumed ? 0 : store_weigh(&s->client, r->build.prev,
	    NULL, &r->base, e);
}

void
run_removed(struct run *r, const char *why, const struct strv *removed)
{
	char *text = r->removed;
	size_t i, len = strlen(text);

	if (removed->n == 0)
		return;
	snprintf(text + len, sizeof(r->removed) - len, "%s%zu removed %s:",
	    len > 0 ? "; " : "", removed->n, why);
	for (i = 0; i < removed->n; i++) {
		len = strlen(text);
		if (len + strlen(removed->v[i]) + 2 >
		    sizeof(r->removed))
			break;
		snprintf(text + len, sizeof(r->removed) - len, " %s",
		    removed->v[i]);
	}
}

bool
run_doubt(struct run *r)
{
	const struct guard_claim claim = { .added = r->rec.added,
		.bytes = r->rec.bytes, .files = r->rec.files,
		.prev_bytes = r->prev_bytes, .prev_files = r->prev_files };

	return guard_doubt(r->guard, &claim, &r->rec.inodes);
}

int
run_admit(void *arg, struct err *e)
{
	struct serve *s = arg;

	if (store_client_lock(&s->client, LOCK_MS, e) == -1)
		return e->code != ERR_BUSY ? -1 : err_set(e, ERR_BUSY,
		    "another run or a prune of %s is under way",
		    s->client.name);
	return too_soon(arg, e) == -1 ? -1 : run_jobs(arg, e);
}

/* What holds for another client; of one whose settings can't be read nothing
 * goes. */
static size_t
min_keep_of(void *arg, const char *name)
{
	struct serve *s = arg;
	struct settings accepted = { 0 };
	struct settings_policy p;
	size_t n = SIZE_MAX;

	if (settings_accepted(s->store.path, name, &accepted, NULL) == 0) {
		settings_client_get(&s->o->conf, &accepted, name, &p, NULL);
		n = (size_t)p.min_keep;
	}
	settings_clear(&accepted);
	return n;
}

int
run_trim(struct serve *s, struct err *e)
{
	int rc = 0;

	/* These senders are asked for each root by itself. */
	if (s->req.direct || s->chan == NULL || s->req.one_file_system)
		rc = store_trim(s->client.fd, s->client.path, STORE_INCOMING,
		    &s->req.roots, e);
	if (rc == 0)
		rc = store_trim_folders(s->client.fd, s->client.path,
		    STORE_INCOMING, &s->req.mounts, e);
	return rc;
}

int
run_prepare(void *arg, struct err *e)
{
	struct serve *s = arg;
	const struct store_evict_rules rules = {
		.min_free = run_min_free(s),
		.quota = s->policy.quota > 0 ? (uint64_t)s->policy.quota : 0,
		.min_keep = (size_t)s->policy.min_keep,
		.across = s->o->conf.store.evict_others == 1,
		.min_keep_of = min_keep_of, .arg = s };
	struct strv removed = { 0 };
	int rc = -1;

	if (store_remove_sweep(&s->client, e) == 0 &&
	    store_evict(&s->client, &rules, &removed, e) == 0 &&
	    store_build_begin(&s->client, &run_of(s)->build, e) == 0)
		rc = run_listed(s, e);
	if (rc == 0 && !run_of(s)->build.listed)
		rc = run_trim(s, e);
	if (rc == 0)
		rc = reckon(s, rules.quota, e);
	run_removed(run_of(s), "for space", &removed);
	strv_clear(&removed);
	return rc;
}
