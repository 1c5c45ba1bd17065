/* SPDX-License-Identifier: ISC */
#include "proc/pids.h"

#include <stdint.h>
#include <stdlib.h>

void
pids_clear(struct pids *p)
{
	free(p->v);
	*p = (struct pids){ 0 };
}

/* Fibonacci hashing: neighbouring pids, the usual case, spread out. */
static size_t
home(const struct pids *p, pid_t pid)
{
	uint32_t h = (uint32_t)pid * 2654435769U;

	return (h ^ (h >> 15)) & (p->cap - 1);
}

static size_t
slot(const struct pids *p, pid_t pid)
{
	size_t i = home(p, pid);

	while (p->v[i].pid != 0 && p->v[i].pid != pid)
		i = (i + 1) & (p->cap - 1);
	return i;
}

static int
grow(struct pids *p)
{
	struct pids old = *p;
	size_t i;

	p->cap = old.cap > 0 ? old.cap * 2 : 64;
	p->v = calloc(p->cap, sizeof(*p->v));
	if (p->v == NULL) {
		*p = old;
		return -1;
	}
	for (i = 0; i < old.cap; i++)
		if (old.v[i].pid != 0)
			p->v[slot(p, old.v[i].pid)] = old.v[i];
	free(old.v);
	return 0;
}

int
pids_put(struct pids *p, pid_t pid, loop_child_fn *fn, void *arg)
{
	size_t i;

	if ((p->n + 1) * 2 > p->cap && grow(p) == -1)
		return -1;
	i = slot(p, pid);
	p->n += p->v[i].pid == 0;
	p->v[i] = (struct pids_row){ pid, fn, arg };
	return 0;
}

struct pids_row *
pids_find(const struct pids *p, pid_t pid)
{
	size_t i;

	if (p->cap == 0)
		return NULL;
	i = slot(p, pid);
	return p->v[i].pid == pid ? &p->v[i] : NULL;
}

bool
pids_take(struct pids *p, pid_t pid, struct pids_row *ret)
{
	struct pids_row *row = pids_find(p, pid);
	size_t hole, i, h;

	if (row == NULL)
		return false;
	*ret = *row;
	hole = (size_t)(row - p->v);
	/* Close the gap: a row moves back unless its home lies behind it. */
	for (i = (hole + 1) & (p->cap - 1); p->v[i].pid != 0;
	    i = (i + 1) & (p->cap - 1)) {
		h = home(p, p->v[i].pid);
		if (((i - h) & (p->cap - 1)) < ((i - hole) & (p->cap - 1)))
			continue;
		p->v[hole] = p->v[i];
		hole = i;
	}
	p->v[hole] = (struct pids_row){ 0 };
	p->n--;
	return true;
}
