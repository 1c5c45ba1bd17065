/* SPDX-License-Identifier: ISC */
#include "store_evict.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "store_btrfs.h"
#include "store_hold.h"
#include "store_list.h"
#include "store_rec.h"
#include "store_remove.h"
#include "store_runs.h"
#include "sys/clock.h"

/* btrfs frees after the call has returned: so long we wait for more, and so
 * long after the last that came. */
#define FREEING_MS	30000
#define STILL_MS	5000
#define LOCK_MS		10000

/* One client's part of the tables. */
struct part {
	struct store_client client;	/* opened by us, but for our own */
	const struct store_client *c;
	struct store_list list;		/* newest first */
	struct store_space_snap *snaps;	/* oldest first */
};

struct table {
	struct part *parts;
	struct store_space_client *clients;
	size_t n;
};

int
store_evict_room(int fd, const char *path, struct store_space_room *ret,
    struct err *e)
{
	struct statvfs fs;

	if (fstatvfs(fd, &fs) == -1)
		return err_sys(e, "%s: statvfs", path);
	*ret = (struct store_space_room){
		.bytes = (uint64_t)fs.f_bavail * fs.f_frsize,
		.inodes = fs.f_files > 0 ? fs.f_favail : UINT64_MAX,
		.spare = fs.f_files / 50 };
	return 0;
}

int
store_evict_free(int fd, const char *path, uint64_t *ret, struct err *e)
{
	struct store_space_room room;

	if (store_evict_room(fd, path, &room, e) == -1)
		return -1;
	*ret = room.bytes;
	return 0;
}

bool
store_evict_crowded(int fd)
{
	struct store_space_room room;

	return store_evict_room(fd, "", &room, NULL) == 0 &&
	    room.inodes < room.spare;
}

/* Whether there is an .incoming that may go: our own one (it is locked), or
 * one that nobody has touched for long. */
static bool
has_left(const struct store_client *c, bool own)
{
	struct store_runs runs = { 0 };
	struct store_runs_state s;
	int64_t touched;
	struct stat st;

	if (fstatat(c->fd, STORE_INCOMING, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return false;
	if (own)
		return true;
	if (store_runs_read(c, &runs, NULL) == -1)
		return false;
	touched = (int64_t)st.st_ctim.tv_sec;
	store_runs_state(&runs, c->store->now(), &s);
	if (s.last != NULL && s.last->time_s > touched)
		touched = s.last->time_s;
	store_runs_clear(&runs);
	return c->store->now() - touched > STORE_EVICT_LEFT_S;
}

/* Fill the part of p->c; keep: nothing of it may go. */
static int
fill(struct part *p, bool keep, struct store_space_client *out,
    struct err *e)
{
	struct store_rec rec;
	size_t i;

	if (store_list_read(p->c, &p->list, e) == -1)
		return -1;
	p->snaps = calloc(p->list.n + 1, sizeof(p->snaps[0]));
	if (p->snaps == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < p->list.n; i++) {
		struct store_space_snap *s = &p->snaps[i];

		s->name = p->list.snaps[p->list.n - 1 - i].name;
		s->keep = keep || store_hold_pinned(p->c, s->name) ||
		    store_hold_held(p->c, s->name);
		/* One without a record, or a broken one, counts as nothing. */
		if (store_rec_get(p->c, s->name, &rec, NULL) == -1)
			continue;
		s->bytes = rec.bytes;
		s->added = rec.added;
		s->inodes = rec.inodes;
		store_rec_clear(&rec);
	}
	*out = (struct store_space_client){ p->c->name, p->snaps,
	    p->list.n, !keep && has_left(p->c, p->c != &p->client) };
	return 0;
}

static void
table_clear(struct table *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		store_list_clear(&t->parts[i].list);
		free(t->parts[i].snaps);
		if (t->parts[i].c == &t->parts[i].client)
			store_client_close(&t->parts[i].client);
	}
	free(t->parts);
	free(t->clients);
}

/* The tables: own first, then the others: when they are asked for, or have
 * left what may go. */
static int
table_fill(struct table *t, const struct store_client *own, bool across,
    struct err *e)
{
	struct strv names = { 0 };
	struct err busy = ERR_INIT;
	struct part *p;
	bool keep;
	int rc = -1;
	size_t i;

	if (store_clients(own->store, &names, e) == -1)
		goto out;
	t->parts = calloc(names.n + 1, sizeof(t->parts[0]));
	t->clients = calloc(names.n + 1, sizeof(t->clients[0]));
	if (t->parts == NULL || t->clients == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	t->parts[0].c = own;
	t->n = 1;
	if (fill(&t->parts[0], false, &t->clients[0], e) == -1)
		goto out;
	for (i = 0; i < names.n; i++) {
		if (strcmp(names.v[i], own->name) == 0)
			continue;
		p = &t->parts[t->n];
		/* One that can't be opened has nothing that could go. */
		if (store_client_open(own->store, names.v[i], &p->client,
		    &busy) == -1)
			continue;
		if (!across && !has_left(&p->client, false)) {
			store_client_close(&p->client);
			continue;
		}
		p->c = &p->client;
		keep = store_client_lock(&p->client, 0, &busy) == -1;
		if (fill(p, keep, &t->clients[t->n++], e) == -1)
			goto out;
	}
	rc = 0;
out:
	strv_clear(&names);
	return rc;
}

/* What is free, after waiting for what is still being freed. */
static int
free_now(const struct store_client *c, uint64_t need,
    struct store_space_room *ret, struct err *e)
{
	static const struct timespec pause = { 0, 200 * 1000000l };
	uint64_t end, still, was = 0;

	if (store_evict_room(c->fd, c->path, ret, e) == -1)
		return -1;
	if (ret->bytes >= need || !store_btrfs_is(c->fd))
		return 0;
	end = clock_ms() + FREEING_MS;
	still = clock_ms() + STILL_MS;
	while (ret->bytes < need && clock_ms() < end && clock_ms() < still) {
		if (ret->bytes > was)
			still = clock_ms() + STILL_MS;
		was = ret->bytes;
		store_btrfs_sync(c->fd);
		nanosleep(&pause, NULL);
		if (store_evict_room(c->fd, c->path, ret, e) == -1)
			return -1;
	}
	return 0;
}

/* 0, 1 when it stays after all, -1. */
static int
carry_out_one(const struct table *t, const struct store_space_step *s,
    struct strv *removed, struct err *e)
{
	const struct store_client *c = t->parts[s->client].c;
	struct err why = ERR_INIT;
	const char *name;
	int rc;

	if (s->snap == STORE_SPACE_LEFT) {
		if (store_remove_incoming(c, e) == -1)
			return -1;
		rc = strv_addf(removed, "%s/" STORE_INCOMING, c->name);
	} else {
		name = t->clients[s->client].snaps[s->snap].name;
		if (store_remove(c, name, &why) == -1) {
			/* Somebody reads it since: the next one will do. */
			if (why.code == ERR_BUSY || why.code == ERR_REFUSED)
				return 1;
			if (e != NULL)
				*e = why;
			return -1;
		}
		rc = strv_add(removed, name);
	}
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

static int
too_little(const struct store_client *c, const struct store_space_plan *plan,
    const struct store_space_room *room, struct err *e)
{
	bool bytes = room->bytes < plan->need;

	return err_set(e, ERR_REFUSED, "%s: %llu %s are free, %llu are "
	    "needed, and no more snapshots may be removed", c->path,
	    (unsigned long long)(bytes ? room->bytes : room->inodes),
	    bytes ? "bytes" : "inodes",
	    (unsigned long long)(bytes ? plan->need : plan->need_inodes));
}

/* Carry out the plan. */
static int
carry_out(const struct table *t, const struct store_space_plan *plan,
    struct strv *removed, struct err *e)
{
	const struct store_client *own = t->parts[0].c;
	struct store_space_room room;
	size_t i;
	int rc;

	if (store_evict_room(own->fd, own->path, &room, e) == -1)
		return -1;
	for (i = 0; i < plan->n; i++) {
		if (!plan->steps[i].quota && store_space_enough(plan, &room))
			break;
		rc = carry_out_one(t, &plan->steps[i], removed, e);
		if (rc == -1)
			return -1;
		if (rc == 0 && free_now(own, plan->need, &room, e) == -1)
			return -1;
	}
	return store_space_enough(plan, &room) ? 0 :
	    too_little(own, plan, &room, e);
}

int
store_evict(const struct store_client *c,
    const struct store_space_rules *rules, struct strv *removed,
    struct err *e)
{
	struct store_space_plan plan = { 0 };
	struct table t = { 0 };
	struct store_space_room room;
	int lock = -1, rc = -1;

	if (rules->across && store_lock(c->store, LOCK_MS, &lock, e) == -1)
		return -1;
	if (table_fill(&t, c, rules->across, e) == -1 ||
	    store_evict_room(c->fd, c->path, &room, e) == -1 ||
	    store_space_plan(t.clients, t.n, 0, rules, &room, &plan, e) == -1)
		goto out;
	if (plan.over_quota) {
		err_set(e, ERR_REFUSED, "%s: its quota is %llu bytes, it uses "
		    "%llu and another snapshot takes about %llu", c->name,
		    (unsigned long long)rules->quota,
		    (unsigned long long)plan.used,
		    (unsigned long long)plan.average);
		goto out;
	}
	rc = carry_out(&t, &plan, removed, e);
out:
	store_space_clear(&plan);
	table_clear(&t);
	if (lock != -1)
		close(lock);
	return rc;
}

int
store_evict_used(const struct store_client *c, uint64_t *ret_used,
    size_t *ret_n, struct err *e)
{
	struct part p = { .c = c };
	struct store_space_client table;
	int rc;

	rc = fill(&p, false, &table, e);
	if (rc == 0 && ret_used != NULL)
		*ret_used = store_space_used(&table, NULL);
	if (rc == 0 && ret_n != NULL)
		*ret_n = table.n;
	store_list_clear(&p.list);
	free(p.snaps);
	return rc;
}
