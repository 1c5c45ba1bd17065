/* SPDX-License-Identifier: ISC */
/*
 * timers: a binary heap of due times, earliest first. Each timer knows its
 * place, so that it can be moved or taken out in O(log n): ten thousand
 * sessions have a deadline and a beat each. Only for loop.c. Pure.
 */
#ifndef POSTERN_TIMERS_H
#define POSTERN_TIMERS_H

#include <stddef.h>
#include <stdint.h>

#define TIMERS_OUT SIZE_MAX

struct timers_node {
	uint64_t due_ms;
	size_t at;		/* index in the heap; TIMERS_OUT: not in it */
};

struct timers {
	struct timers_node **v;
	size_t n;
	size_t cap;
};

void timers_clear(struct timers *t);
/* timers_reserve(): room for n nodes in all, so that timers_put() can't
 * fail. 0, or -1 when memory is out. */
int timers_reserve(struct timers *t, size_t n);
/* timers_put(): insert, or move when it is in already. */
void timers_put(struct timers *t, struct timers_node *node, uint64_t due_ms);
/* timers_out(): take out; no-op when it isn't in. */
void timers_out(struct timers *t, struct timers_node *node);
/* timers_first(): the earliest, or NULL. */
struct timers_node *timers_first(const struct timers *t);

#endif
