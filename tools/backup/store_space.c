/* SPDX-License-Identifier: ISC */
#include "store_space.h"

#include <stdlib.h>

/* Sums of what files say: not to wrap. */
static uint64_t
plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t
store_space_used(const struct store_space_client *c, const bool *gone)
{
	uint64_t sum = 0, largest = 0;
	bool first = true;
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (gone != NULL && gone[i])
			continue;
		sum = plus(sum, first ? c->snaps[i].bytes :
		    c->snaps[i].added);
		if (c->snaps[i].bytes > largest)
			largest = c->snaps[i].bytes;
		first = false;
	}
	return sum > largest ? sum : largest;
}

/* at: of a number in struct store_space_snap. */
static uint64_t
average(const struct store_space_client *c, size_t at)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 1; i < c->n; i++)
		sum = plus(sum, *(const uint64_t *)((const char *)
		    &c->snaps[i] + at));
	return c->n > 1 ? sum / (c->n - 1) : 0;
}

bool
store_space_enough(const struct store_space_plan *p,
    const struct store_space_room *room)
{
	return room->bytes >= p->need && room->inodes >= p->need_inodes;
}

/* What the decision goes along. */
struct state {
	const struct store_space_client *clients;
	const struct store_space_rules *rules;
	struct store_space_plan *plan;
	bool **gone;		/* a row a client */
	size_t *left;		/* snapshots of each client that stay */
};

/* The oldest snapshot of client i goes: false when none may. */
static bool
evict(struct state *s, size_t i, bool quota)
{
	const struct store_space_client *c = &s->clients[i];
	size_t j;

	if (s->left[i] <= s->rules->min_keep)
		return false;
	for (j = 0; j < c->n; j++)
		if (!c->snaps[j].keep && !s->gone[i][j])
			break;
	if (j == c->n)
		return false;
	s->gone[i][j] = true;
	s->left[i]--;
	s->plan->steps[s->plan->n++] =
	    (struct store_space_step){ i, j, quota };
	return true;
}

/* What a run of client i has left goes. */
static void
leave(struct state *s, size_t i)
{
	if (s->clients[i].left)
		s->plan->steps[s->plan->n++] = (struct store_space_step){ i,
		    STORE_SPACE_LEFT, false };
}

/* The client's own, until it is within its quota. */
static void
keep_quota(struct state *s, size_t own)
{
	struct store_space_plan *p = s->plan;
	uint64_t quota = s->rules->quota;

	p->used_after = p->used;
	if (quota == 0)
		return;
	while (plus(p->used_after, p->average) > quota) {
		if (!evict(s, own, true)) {
			p->over_quota = true;
			p->n = 0;
			return;
		}
		p->used_after = store_space_used(&s->clients[own],
		    s->gone[own]);
	}
}

/* All that may go for the free space's sake, in order. */
static void
make_room(struct state *s, size_t n, size_t own)
{
	bool any = true;
	size_t i;

	for (i = 0; i < n; i++)
		if (i != own)
			leave(s, i);
	while (evict(s, own, false))
		;
	leave(s, own);
	while (s->rules->across && any) {
		any = false;
		for (i = 0; i < n; i++)
			if (i != own && evict(s, i, false))
				any = true;
	}
}

static void
state_clear(struct state *s, size_t n)
{
	size_t i;

	for (i = 0; s->gone != NULL && i < n; i++)
		free(s->gone[i]);
	free(s->gone);
	free(s->left);
}

static int
state_init(struct state *s, size_t n)
{
	size_t i, total = 0;

	s->gone = calloc(n, sizeof(s->gone[0]));
	s->left = calloc(n, sizeof(s->left[0]));
	if (s->gone == NULL || s->left == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		s->left[i] = s->clients[i].n;
		total += s->clients[i].n + 1;
		s->gone[i] = calloc(s->left[i] + 1, sizeof(bool));
		if (s->gone[i] == NULL)
			return -1;
	}
	s->plan->steps = calloc(total + 1, sizeof(s->plan->steps[0]));
	return s->plan->steps == NULL ? -1 : 0;
}

int
store_space_plan(const struct store_space_client *clients, size_t n,
    size_t own, const struct store_space_rules *rules,
    const struct store_space_room *room, struct store_space_plan *ret,
    struct err *e)
{
	struct store_space_plan p = { 0 };
	struct state s = { .clients = clients, .rules = rules, .plan = &p };
	const struct store_space_client *c = &clients[own];

	if (state_init(&s, n) == -1) {
		state_clear(&s, n);
		store_space_clear(&p);
		return err_set(e, ERR_MEM, "out of memory");
	}
	p.used = store_space_used(c, NULL);
	p.average = average(c, offsetof(struct store_space_snap, added));
	p.need = p.average > rules->min_free ? p.average : rules->min_free;
	/* A run that takes of the spare ones is ended: they come on top. */
	if (room->inodes != UINT64_MAX)
		p.need_inodes = plus(room->spare, average(c,
		    offsetof(struct store_space_snap, inodes)));
	keep_quota(&s, own);
	if (!store_space_enough(&p, room) && !p.over_quota)
		make_room(&s, n, own);
	state_clear(&s, n);
	*ret = p;
	return 0;
}

void
store_space_clear(struct store_space_plan *p)
{
	free(p->steps);
	*p = (struct store_space_plan){ 0 };
}
