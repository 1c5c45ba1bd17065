/* SPDX-License-Identifier: ISC */
#include "guard.h"

#include <stdlib.h>

#include "proc/worker.h"
#include "store_evict.h"
#include "store_weigh.h"

#define TICK_MS 250
/* What file systems, and other clients, take without saying. */
#define SLACK ((uint64_t)16 << 20)
#define SLACK_FILES ((uint64_t)1000)
#define STEP ((uint64_t)1 << 20)
#define STEP_FILES ((uint64_t)64)

struct guard {
	struct loop *loop;
	struct guard_spec spec;
	void (*on_full)(void *arg, const struct err *e);
	void *arg;
	struct loop_timer *tick;
	struct worker *worker;
	atomic_bool stop;
	struct store_space_room then;	/* at the start */
	/* Weigh again once so much is gone. */
	uint64_t look_at, look_at_inodes;
	struct store_weight weight;	/* the worker's */
};

static uint64_t
less(uint64_t then, uint64_t now)
{
	return then > now ? then - now : 0;
}

/* a and b, or least when b is less. */
static uint64_t
plus(uint64_t a, uint64_t b, uint64_t least)
{
	if (b < least)
		b = least;
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

int
guard_over_inodes(const struct store_client *c, const struct store_weight *w,
    uint64_t room, struct err *e)
{
	return err_set(e, ERR_REFUSED, "%s: over its quota: %llu files and "
	    "folders had come and there was room for %llu inodes; they are "
	    "removed", c->name, (unsigned long long)w->inodes,
	    (unsigned long long)room);
}

static void
full(struct guard *g, const struct err *e)
{
	loop_timer_stop(g->tick);
	g->on_full(g->arg, e);
}

static int
weigh(void *arg, struct err *e)
{
	struct guard *g = arg;

	return store_weigh(g->spec.client, g->spec.prev, &g->stop, &g->weight,
	    e);
}

static void
on_weighed(void *arg, const struct err *e)
{
	struct guard *g = arg;
	struct err why = ERR_INIT;

	worker_free(g->worker);
	g->worker = NULL;
	if (e != NULL) {
		full(g, e);
		return;
	}
	if (g->weight.bytes > g->spec.room) {
		err_set(&why, ERR_REFUSED, "%s: over its quota: %llu bytes "
		    "had come and there was room for %llu; they are removed",
		    g->spec.client->name, (unsigned long long)g->weight.bytes,
		    (unsigned long long)g->spec.room);
		full(g, &why);
		return;
	}
	if (g->weight.inodes > g->spec.room_inodes) {
		guard_over_inodes(g->spec.client, &g->weight,
		    g->spec.room_inodes, &why);
		full(g, &why);
		return;
	}
	g->look_at = plus(g->look_at, g->spec.room - g->weight.bytes, STEP);
	g->look_at_inodes = plus(g->look_at_inodes,
	    g->spec.room_inodes - g->weight.inodes, STEP_FILES);
}

static bool
low(const struct guard *g, const struct store_space_room *now, struct err *e)
{
	if (now->bytes >= g->spec.min_free)
		return false;
	err_set(e, ERR_REFUSED, "%s: this run took the store below its "
	    "min-free of %llu bytes; what had come is removed",
	    g->spec.client->name, (unsigned long long)g->spec.min_free);
	return true;
}

static void
on_tick(void *arg)
{
	struct guard *g = arg;
	struct err e = ERR_INIT;
	struct store_space_room now;
	uint64_t bytes, inodes;

	if (store_evict_room(g->spec.client->fd, g->spec.client->path, &now,
	    &e) == -1) {
		full(g, &e);
		return;
	}
	if (low(g, &now, &e)) {
		full(g, &e);
		return;
	}
	if (guard_crowded(g, &e)) {
		full(g, &e);
		return;
	}
	bytes = less(g->then.bytes, now.bytes);
	inodes = less(g->then.inodes, now.inodes);
	if (g->worker != NULL ||
	    (bytes < g->look_at && inodes < g->look_at_inodes))
		return;
	g->look_at = bytes;
	g->look_at_inodes = inodes;
	g->worker = worker_start(g->loop, weigh, on_weighed, g, &e);
	if (g->worker == NULL)
		full(g, &e);
}

struct guard *
guard_start(struct loop *l, const struct guard_spec *spec,
    void (*on_full)(void *arg, const struct err *e), void *arg,
    struct err *e)
{
	struct guard *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	*g = (struct guard){ .loop = l, .spec = *spec, .on_full = on_full,
		.arg = arg };
	g->look_at = less(spec->room, spec->base.bytes);
	g->look_at_inodes = less(spec->room_inodes, spec->base.inodes);
	g->tick = loop_timer_new(l, TICK_MS, TICK_MS, on_tick, g, e);
	if (g->tick == NULL || store_evict_room(spec->client->fd,
	    spec->client->path, &g->then, e) == -1) {
		guard_free(g);
		return NULL;
	}
	return g;
}

void
guard_free(struct guard *g)
{
	if (g == NULL)
		return;
	atomic_store(&g->stop, true);
	worker_free(g->worker);
	loop_timer_free(g->tick);
	free(g);
}

void
guard_stop(struct guard *g)
{
	atomic_store(&g->stop, true);
	worker_free(g->worker);
	g->worker = NULL;
	loop_timer_stop(g->tick);
}

bool
guard_limits(const struct guard *g)
{
	return g->spec.min_free > 0 || g->spec.room != UINT64_MAX;
}

bool
guard_low(const struct guard *g, struct err *e)
{
	struct store_space_room now;

	return store_evict_room(g->spec.client->fd, g->spec.client->path,
	    &now, e) == -1 || low(g, &now, e);
}

bool
guard_crowded(const struct guard *g, struct err *e)
{
	if (!store_evict_crowded(g->spec.client->fd))
		return false;
	err_set(e, ERR_REFUSED, "%s: the store's file system has hardly an "
	    "inode left (df -i); what had come is removed",
	    g->spec.client->name);
	return true;
}

/*
 * What others take and free meanwhile is in the file system's figures, too:
 * they bear witness only where both they and the claims are small.
 */
bool
guard_doubt(const struct guard *g, const struct guard_claim *c,
    uint64_t *ret_inodes)
{
	struct store_space_room now;
	uint64_t taken, inodes;

	if (g->spec.resumed || store_evict_room(g->spec.client->fd,
	    g->spec.client->path, &now, NULL) == -1)
		return true;
	taken = less(g->then.bytes, now.bytes);
	inodes = less(g->then.inodes, now.inodes);
	if (c->added > SLACK || c->added > g->spec.room || taken > g->spec.room ||
	    taken > c->added + (g->spec.room == UINT64_MAX ? SLACK : 0) ||
	    less(c->bytes, c->prev_bytes) > c->added + SLACK ||
	    less(c->files, c->prev_files) > inodes + SLACK_FILES ||
	    inodes > now.spare / 20 || inodes > g->spec.room_inodes)
		return true;
	*ret_inodes = inodes;
	return false;
}
