/* SPDX-License-Identifier: ISC */
/*
 * pool: bounded concurrency over n jobs, numbered 0..n-1, started in order.
 * The pool knows nothing about processes: start(i) begins job i, and whoever
 * runs it calls pool_release(i) when the job no longer counts against the
 * width (for ssh: when the handshake is over, not when the session ends).
 */
#ifndef POSTERN_POOL_H
#define POSTERN_POOL_H

#include <stddef.h>

#include "base/err.h"

struct pool;

/* pool_new(): width >= 1. start may release its own job before it returns.
 * Returns owned, or NULL ERR_MEM. */
struct pool *pool_new(size_t n, size_t width,
	void (*start)(void *arg, size_t i), void *arg, struct err *e);
/* pool_free(): from within start() too: nothing more is started then. NULL is
 * legal. */
void pool_free(struct pool *p);
/* pool_run(): start as many as the width allows. Call once; later starts
 * happen from pool_release(). */
void pool_run(struct pool *p);
/* pool_release(): job i no longer counts; a second call for i is a no-op. */
void pool_release(struct pool *p, size_t i);
/* pool_stop(): start nothing more. Returns how many were never started (0
 * when called again). */
size_t pool_stop(struct pool *p);

#endif
