/* SPDX-License-Identifier: ISC */
#include "store_evict.h"

#include <stdlib.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "space_table.h"
#include "store_btrfs.h"
#include "store_remove.h"
#include "sys/clock.h"

/* btrfs frees after the call has returned: so long we wait for more, and so
 * long after the last that came. */
#define FREEING_MS	30000
#define STILL_MS	5000
#define LOCK_MS		10000

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
		.spare = fs.f_files / 50,
		.all_bytes = (uint64_t)fs.f_blocks * fs.f_frsize,
		.all_inodes = fs.f_files };
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

static int
remove_one(const struct store_client *c, const char *name,
    struct strv *removed, struct err *e)
{
	struct err why = ERR_INIT;
	int rc;

	if (name == NULL) {
		if (store_remove_incoming(c, e) == -1)
			return -1;
		rc = strv_addf(removed, "%s/" STORE_INCOMING, c->name);
	} else {
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

/* Of another client, with its lock, which is held no longer than that: its
 * run would have to wait. Nothing goes of one that is busy, or has been since
 * the table was made: went: how many snapshots of it we took. */
static int
remove_others(const struct space_table *t, size_t client, const char *name,
    size_t went, struct strv *removed, struct err *e)
{
	const struct space_part *p = &t->parts[client];
	struct store_list now = { 0 };
	struct store_client c;
	int rc = 1;

	if (store_client_open(t->own->store, p->name, &c, NULL) == -1)
		return 1;
	if (store_client_lock(&c, 0, NULL) == -1)
		goto out;
	if (name == NULL ? !space_table_left(&c, false) :
	    store_list_read(&c, &now, NULL) == -1 ||
	    now.n + went != p->list.n)
		goto out;
	rc = remove_one(&c, name, removed, e);
out:
	store_list_clear(&now);
	store_client_close(&c);
	return rc;
}

/* Step i of the plan: 0, 1 when it stays after all, -1. */
static int
carry_out_one(const struct space_table *t, const struct store_space_plan *plan,
    size_t i, size_t *went, struct strv *removed, struct err *e)
{
	const struct store_space_step *s = &plan->steps[i];
	const char *name = NULL;
	int rc;

	if (s->snap != STORE_SPACE_LEFT)
		name = t->clients[s->client].snaps[s->snap].name;
	if (s->client == 0)
		return remove_one(t->own, name, removed, e);
	rc = remove_others(t, s->client, name, went[s->client], removed, e);
	if (rc == 0 && name != NULL)
		went[s->client]++;
	return rc;
}

static int
too_little(const struct store_client *c, const struct store_space_plan *plan,
    const struct store_space_room *room, struct err *e)
{
	bool bytes = room->bytes < plan->need;

	return err_set(e, ERR_REFUSED, "%s: %llu %s are free, %llu are "
	    "needed, and %s", c->path,
	    (unsigned long long)(bytes ? room->bytes : room->inodes),
	    bytes ? "bytes" : "inodes",
	    (unsigned long long)(bytes ? plan->need : plan->need_inodes),
	    plan->in_vain ? "all that may be removed would not be enough" :
	    "no more snapshots may be removed");
}

/* Carry out the plan. */
static int
carry_out(const struct space_table *t, const struct store_space_plan *plan,
    struct strv *removed, struct err *e)
{
	const struct store_client *own = t->own;
	struct store_space_room room;
	size_t i, *went;
	int rc = -1;

	if (store_evict_room(own->fd, own->path, &room, e) == -1)
		return -1;
	went = calloc(t->n, sizeof(*went));
	if (went == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < plan->n; i++) {
		if (!plan->steps[i].quota && store_space_enough(plan, &room))
			break;
		rc = carry_out_one(t, plan, i, went, removed, e);
		if (rc == -1 || (rc == 0 &&
		    free_now(own, plan->need, &room, e) == -1))
			goto out;
	}
	rc = store_space_enough(plan, &room) ? 0 :
	    too_little(own, plan, &room, e);
out:
	free(went);
	return rc;
}

static int
over_quota(const struct store_client *c, const struct store_space_rules *rules,
    const struct store_space_room *room, const struct store_space_plan *p,
    struct err *e)
{
	uint64_t inodes = store_space_quota_inodes(rules->quota, room);

	if (p->used_inodes <= inodes &&
	    p->average_inodes <= inodes - p->used_inodes)
		return err_set(e, ERR_REFUSED, "%s: its quota is %llu bytes, "
		    "it uses %llu and another snapshot takes about %llu",
		    c->name, (unsigned long long)rules->quota,
		    (unsigned long long)p->used,
		    (unsigned long long)p->average);
	return err_set(e, ERR_REFUSED, "%s: its quota is %llu bytes, and so "
	    "%llu inodes; it uses %llu of these and another snapshot takes "
	    "about %llu", c->name, (unsigned long long)rules->quota,
	    (unsigned long long)inodes, (unsigned long long)p->used_inodes,
	    (unsigned long long)p->average_inodes);
}

int
store_evict(const struct store_client *c,
    const struct store_evict_rules *r, struct strv *removed, struct err *e)
{
	const struct store_space_rules rules = { .min_free = r->min_free,
		.quota = r->quota, .across = r->across };
	struct store_space_plan plan = { 0 };
	struct space_table t = { 0 };
	struct store_space_room room;
	int lock = -1, rc = -1;

	if (space_table_own(&t, c, r->min_keep, e) == -1 ||
	    store_evict_room(c->fd, c->path, &room, e) == -1 ||
	    store_space_plan(t.clients, t.n, 0, &rules, &room, &plan, e) == -1)
		goto out;
	/* Mostly there is enough, and nobody else's business matters. */
	if (!plan.over_quota && !store_space_enough(&plan, &room)) {
		store_space_clear(&plan);
		if ((r->across &&
		    store_lock(c->store, LOCK_MS, &lock, e) == -1) ||
		    space_table_others(&t, r->across, r->min_keep_of, r->arg,
		    e) == -1 ||
		    store_evict_room(c->fd, c->path, &room, e) == -1 ||
		    store_space_plan(t.clients, t.n, 0, &rules, &room, &plan,
		    e) == -1)
			goto out;
	}
	if (plan.over_quota)
		over_quota(c, &rules, &room, &plan, e);
	else if (plan.in_vain)
		too_little(c, &plan, &room, e);
	else
		rc = carry_out(&t, &plan, removed, e);
out:
	store_space_clear(&plan);
	space_table_clear(&t);
	if (lock != -1)
		close(lock);
	return rc;
}

int
store_evict_used(const struct store_client *c, uint64_t *ret_bytes,
    uint64_t *ret_inodes, struct err *e)
{
	struct space_table t;

	if (space_table_own(&t, c, 0, e) == -1)
		return -1;
	*ret_bytes = store_space_used(&t.clients[0], NULL);
	*ret_inodes = store_space_used_inodes(&t.clients[0], NULL);
	space_table_clear(&t);
	return 0;
}
