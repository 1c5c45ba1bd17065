/* SPDX-License-Identifier: ISC */
#include "proc/timers.h"

#include <stdlib.h>

void
timers_clear(struct timers *t)
{
	free(t->v);
	*t = (struct timers){ 0 };
}

int
timers_reserve(struct timers *t, size_t n)
{
	struct timers_node **v;
	size_t cap = t->cap > 0 ? t->cap : 16;

	if (n <= t->cap)
		return 0;
	while (cap < n)
		cap *= 2;
	v = realloc(t->v, cap * sizeof(struct timers_node *));
	if (v == NULL)
		return -1;
	t->v = v;
	t->cap = cap;
	return 0;
}

static void
place(struct timers *t, struct timers_node *node, size_t at)
{
	t->v[at] = node;
	node->at = at;
}

static void
sift(struct timers *t, struct timers_node *node, size_t at)
{
	size_t kid;

	while (at > 0 && t->v[(at - 1) / 2]->due_ms > node->due_ms) {
		place(t, t->v[(at - 1) / 2], at);
		at = (at - 1) / 2;
	}
	while ((kid = 2 * at + 1) < t->n) {
		if (kid + 1 < t->n && t->v[kid + 1]->due_ms < t->v[kid]->due_ms)
			kid++;
		if (t->v[kid]->due_ms >= node->due_ms)
			break;
		place(t, t->v[kid], at);
		at = kid;
	}
	place(t, node, at);
}

void
timers_put(struct timers *t, struct timers_node *node, uint64_t due_ms)
{
	node->due_ms = due_ms;
	if (node->at == TIMERS_OUT)
		node->at = t->n++;
	sift(t, node, node->at);
}

void
timers_out(struct timers *t, struct timers_node *node)
{
	struct timers_node *last;
	size_t hole = node->at;

	if (hole == TIMERS_OUT)
		return;
	node->at = TIMERS_OUT;
	last = t->v[--t->n];
	if (last != node)
		sift(t, last, hole);
}

struct timers_node *
timers_first(const struct timers *t)
{
	return t->n > 0 ? t->v[0] : NULL;
}
