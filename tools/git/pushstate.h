/* SPDX-License-Identifier: ISC */
/*
 * pushstate: the small files in the state folder of the git server. Whoever
 * writes one holds push.lock meanwhile, and whoever sweeps does, so that
 * nobody's half-written file is swept away.
 */
#ifndef GIT_PUSHSTATE_H
#define GIT_PUSHSTATE_H

#include <stddef.h>

#include "base/err.h"

#define PUSHSTATE_LOCK	"push.lock"	/* in the state folder */

/*
 * pushstate_write(): the caller holds the lock. path gets the text, atomically;
 * on a disk that is full, into the room that the file has: that a key is
 * revoked does not wait for space. A line that a crash cut then is none to who
 * reads it. 0, or -1: ERR_SYS, ERR_UNSAFE as file_write().
 */
int pushstate_write(const char *path, const char *text, size_t len,
	struct err *e);

/* pushstate_put(): the same for name in the folder dir, and takes the lock for
 * it, which is held shortly. As pushstate_write(), and ERR_BUSY, ERR_CONFIG
 * (dir is too long). */
int pushstate_put(const char *dir, const char *name, const char *text,
	size_t len, unsigned wait_ms, struct err *e);

/* pushstate_sweep(): the caller holds the lock. Away with what a process left
 * that was killed while it wrote. What fails is left to the next one. */
void pushstate_sweep(const char *dir);

#endif
