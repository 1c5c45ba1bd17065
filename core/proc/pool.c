/* SPDX-License-Identifier: ISC */
#include "proc/pool.h"

#include <stdbool.h>
#include <stdlib.h>

struct pool {
	size_t n, width;
	size_t next;		/* the first job that was not started */
	size_t busy;		/* started and not released */
	bool filling;
	bool freed;		/* from within start(): fill() does it */
	void (*start)(void *arg, size_t i);
	void *arg;
	bool held[];		/* job i counts against the width */
};

struct pool *
pool_new(size_t n, size_t width, void (*start)(void *arg, size_t i),
    void *arg, struct err *e)
{
	struct pool *p = calloc(1, sizeof(*p) + n * sizeof(p->held[0]));

	if (p == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	p->n = n;
	p->width = width > 0 ? width : 1;
	p->start = start;
	p->arg = arg;
	return p;
}

void
pool_free(struct pool *p)
{
	if (p != NULL && p->filling) {
		p->freed = true;
		p->n = p->next;
		return;
	}
	free(p);
}

/* A start() that releases at once comes back here: the outer call goes on,
 * so that ten thousand such jobs don't nest. */
static void
fill(struct pool *p)
{
	size_t i;

	if (p->filling)
		return;
	p->filling = true;
	while (p->busy < p->width && p->next < p->n) {
		i = p->next++;
		p->held[i] = true;
		p->busy++;
		p->start(p->arg, i);
	}
	p->filling = false;
	if (p->freed)
		free(p);
}

void
pool_run(struct pool *p)
{
	fill(p);
}

void
pool_release(struct pool *p, size_t i)
{
	if (i >= p->n || !p->held[i])
		return;
	p->held[i] = false;
	p->busy--;
	/* Before pool_run() nothing is held, so this can't begin it. */
	fill(p);
}

size_t
pool_stop(struct pool *p)
{
	size_t left = p->n - p->next;

	p->n = p->next;
	return left;
}
