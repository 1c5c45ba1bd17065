/* SPDX-License-Identifier: ISC */
/*
 * muxuse: who goes through a master of the pool. Each session that does holds
 * a shared lock on the file K.used beside the socket of master K, from before
 * it looks for the socket; the pool takes the whole lock before it ends a
 * master that is well, and has it as long as nobody is to begin there. The
 * kernel lets go of a session's, however that ends.
 * Source: flock(2).
 */
#ifndef GIT_MUXUSE_H
#define GIT_MUXUSE_H

#include <stdbool.h>

#include "base/err.h"

/* muxuse_join(): a session at master k of the pool in run_dir. The descriptor
 * to be closed when it is over (O_CLOEXEC), or -1: there is no such master, or
 * it is being ended. */
int muxuse_join(const char *run_dir, unsigned k);

/* muxuse_open(): the pool's end; dir: its folder. 0 with *ret_fd owned, or -1
 * ERR_SYS. */
int muxuse_open(int dir, unsigned k, int *ret_fd, struct err *e);

/* muxuse_alone(): whether no session goes through it; then none begins until
 * muxuse_let(). */
bool muxuse_alone(int fd);
void muxuse_let(int fd);

#endif
