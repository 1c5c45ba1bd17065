/* SPDX-License-Identifier: ISC */
/*
 * pids: which callback waits for which child; a hash table with open
 * addressing, so that each of ten thousand ends costs O(1). Only for loop.c.
 */
#ifndef POSTERN_PIDS_H
#define POSTERN_PIDS_H

#include <stdbool.h>
#include <stddef.h>

#include "proc/loop.h"

struct pids_row {
	pid_t pid;		/* 0: free */
	loop_child_fn *fn;	/* NULL: an orphan, nobody waits for it */
	void *arg;
};

struct pids {
	struct pids_row *v;
	size_t n;		/* rows in use */
	size_t cap;		/* a power of two, or 0 */
};

void pids_clear(struct pids *p);
/* pids_put(): add or replace. 0, or -1 when memory is out. */
int pids_put(struct pids *p, pid_t pid, loop_child_fn *fn, void *arg);
/* pids_find(): borrowed until the next put or take, or NULL. */
struct pids_row *pids_find(const struct pids *p, pid_t pid);
/* pids_take(): remove; false when pid is unknown. */
bool pids_take(struct pids *p, pid_t pid, struct pids_row *ret);

#endif
