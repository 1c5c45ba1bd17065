/* SPDX-License-Identifier: ISC */
/*
 * worker: one piece of blocking work (syncing, hashing, removing a tree) in a
 * thread of its own, while the loop goes on with its beats and timers.
 *
 * The work must not touch the loop nor anything that is on it; what it shares
 * with the rest it has alone until on_end(), or in atomics. Nothing can end
 * it from outside: it looks at a flag of its own, or worker_free() waits.
 */
#ifndef POSTERN_WORKER_H
#define POSTERN_WORKER_H

#include "base/err.h"
#include "proc/loop.h"

struct worker;

/* In the thread. 0, or -1 with *e filled. */
typedef int worker_fn(void *arg, struct err *e);
/* On the loop, once. e NULL: it returned 0. May call worker_free(). */
typedef void worker_end_fn(void *arg, const struct err *e);

/* worker_start(): returns owned, or NULL: ERR_SYS, ERR_MEM. */
struct worker *worker_start(struct loop *l, worker_fn *fn,
	worker_end_fn *on_end, void *arg, struct err *e);
/* worker_free(): waits for the work to end, without a callback. NULL is
 * legal. */
void worker_free(struct worker *w);

#endif
