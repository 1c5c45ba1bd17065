/* SPDX-License-Identifier: ISC */
#include "store_space.h"

#include <stdlib.h>
#include <string.h>

/* Sums of what files say: not to wrap. */
static uint64_t
plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

#define SNAP(c, i, at) (*(const uint64_t *)((const char *)&(c)->snaps[i] + \
	(at)))
#define AT(member) offsetof(struct store_space_snap, member)
/* A name's part of a folder, its inode's attributes, and the last block of a
 * file, which bytes don't tell of: no more than that. */
#define BYTES_A_FILE ((uint64_t)8192)

/* whole, added: of numbers in struct store_space_snap. */
static uint64_t
used(const struct store_space_client *c, const bool *gone, size_t whole,
    size_t added)
{
	uint64_t sum = 0, largest = 0;
	bool first = true;
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (gone != NULL && gone[i])
			continue;
		sum = plus(sum, SNAP(c, i, first ? whole : added));
		if (SNAP(c, i, whole) > largest)
			largest = SNAP(c, i, whole);
		first = false;
	}
	return sum > largest ? sum : largest;
}

uint64_t
store_space_used(const struct store_space_client *c, const bool *gone)
{
	return used(c, gone, AT(bytes), AT(added));
}

uint64_t
store_space_used_inodes(const struct store_space_client *c, const bool *gone)
{
	return used(c, gone, AT(files), AT(inodes));
}

uint64_t
store_space_quota_inodes(uint64_t quota, const struct store_space_room *room)
{
	double part;

	if (quota == 0 || room->all_inodes == 0 || quota >= room->all_bytes)
		return UINT64_MAX;
	part = (double)quota / (double)room->all_bytes;
	return (uint64_t)(part * (double)room->all_inodes);
}

static uint64_t
average(const struct store_space_client *c, size_t at)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 1; i < c->n; i++)
		sum = plus(sum, SNAP(c, i, at));
	return c->n > 1 ? sum / (c->n - 1) : 0;
}

bool
store_space_enough(const struct store_space_plan *p,
    const struct store_space_room *room)
{
	return room->bytes >= p->need && room->inodes >= p->need_inodes;
}

#define NO_MORE SIZE_MAX

/* Of a snapshot: its series is told by the place of the first one in it. */
struct mark {
	size_t first;
	/* Of a first one: */
	size_t next;		/* of the next series, or NO_MORE */
	size_t stay;		/* snapshots that do, not of the future */
};

/* What the decision goes along. */
struct state {
	const struct store_space_client *clients;
	const struct store_space_rules *rules;
	struct store_space_plan *plan;
	bool **gone;		/* a row a client */
	struct mark **marks;	/* likewise */
};

static bool
same_series(const struct store_space_snap *a, const struct store_space_snap *b)
{
	return strcmp(a->series != NULL ? a->series : "",
	    b->series != NULL ? b->series : "") == 0;
}

static void
mark_series(const struct store_space_client *c, struct mark *m)
{
	size_t j, k, last;

	for (j = 0; j < c->n; j++) {
		m[j].first = j;
		m[j].next = NO_MORE;
		last = j;
		for (k = 0; k < j; k = m[k].next) {
			if (same_series(&c->snaps[k], &c->snaps[j])) {
				m[j].first = k;
				break;
			}
			last = k;
		}
		if (m[j].first == j && last != j)
			m[last].next = j;
		if (!c->snaps[j].future)
			m[m[j].first].stay++;
	}
}

/* The oldest snapshot of client i goes: false when none may. */
static bool
evict(struct state *s, size_t i, bool quota)
{
	const struct store_space_client *c = &s->clients[i];
	struct mark *m = s->marks[i];
	size_t j;

	for (j = 0; j < c->n; j++)
		if (!c->snaps[j].keep && !c->snaps[j].future &&
		    !s->gone[i][j] && m[m[j].first].stay > c->min_keep)
			break;
	if (j == c->n)
		return false;
	s->gone[i][j] = true;
	m[m[j].first].stay--;
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
keep_quota(struct state *s, size_t own, uint64_t inodes)
{
	struct store_space_plan *p = s->plan;
	uint64_t quota = s->rules->quota, used_inodes = p->used_inodes;

	p->used_after = p->used;
	if (quota == 0)
		return;
	while (plus(p->used_after, p->average) > quota ||
	    plus(used_inodes, p->average_inodes) > inodes) {
		if (!evict(s, own, true)) {
			p->over_quota = true;
			p->n = 0;
			return;
		}
		p->used_after = store_space_used(&s->clients[own],
		    s->gone[own]);
		used_inodes = store_space_used_inodes(&s->clients[own],
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

/* Whether all steps together can't be enough: what comes free of a snapshot
 * is at most all that is in it. Else half of them would go, and be missed. */
static bool
in_vain(const struct state *s, const struct store_space_room *room)
{
	const struct store_space_plan *p = s->plan;
	struct store_space_room most = *room;
	size_t i;

	for (i = 0; i < p->n; i++) {
		const struct store_space_client *c =
		    &s->clients[p->steps[i].client];
		const struct store_space_snap *x;

		if (p->steps[i].snap == STORE_SPACE_LEFT) {
			most.bytes = plus(most.bytes, c->left_bytes);
			most.inodes = plus(most.inodes, c->left_inodes);
			continue;
		}
		x = &c->snaps[p->steps[i].snap];
		if (x->files == 0 ||
		    x->files > UINT64_MAX / BYTES_A_FILE) {
			most.bytes = most.inodes = UINT64_MAX;
		} else {
			most.bytes = plus(most.bytes, plus(x->bytes,
			    x->files * BYTES_A_FILE));
			most.inodes = plus(most.inodes, x->files);
		}
	}
	if (room->all_bytes > 0 && most.bytes > room->all_bytes)
		most.bytes = room->all_bytes;
	if (room->all_inodes > 0 && most.inodes > room->all_inodes)
		most.inodes = room->all_inodes;
	return !store_space_enough(p, &most);
}

static void
state_clear(struct state *s, size_t n)
{
	size_t i;

	for (i = 0; s->gone != NULL && i < n; i++)
		free(s->gone[i]);
	for (i = 0; s->marks != NULL && i < n; i++)
		free(s->marks[i]);
	free(s->gone);
	free(s->marks);
}

static int
state_init(struct state *s, size_t n)
{
	size_t i, rows, total = 0;

	s->gone = calloc(n, sizeof(s->gone[0]));
	s->marks = calloc(n, sizeof(s->marks[0]));
	if (s->gone == NULL || s->marks == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		rows = s->clients[i].n + 1;
		total += rows;
		s->gone[i] = calloc(rows, sizeof(bool));
		s->marks[i] = calloc(rows, sizeof(s->marks[i][0]));
		if (s->gone[i] == NULL || s->marks[i] == NULL)
			return -1;
		mark_series(&s->clients[i], s->marks[i]);
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
	p.average = average(c, AT(added));
	p.used_inodes = store_space_used_inodes(c, NULL);
	p.average_inodes = average(c, AT(inodes));
	p.need = p.average > rules->min_free ? p.average : rules->min_free;
	/* A run that takes of the spare ones is ended: they come on top. */
	if (room->inodes != UINT64_MAX)
		p.need_inodes = plus(room->spare, p.average_inodes);
	keep_quota(&s, own, store_space_quota_inodes(rules->quota, room));
	if (!store_space_enough(&p, room) && !p.over_quota) {
		make_room(&s, n, own);
		p.in_vain = in_vain(&s, room);
		if (p.in_vain)
			p.n = 0;
	}
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
