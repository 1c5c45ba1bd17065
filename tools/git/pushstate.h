/* SPDX-License-Identifier: ISC */
/*
 * pushstate: the small files in the state folder of the git server. Whoever
 * calls this holds push.lock, and nobody else writes there.
 */
#ifndef GIT_PUSHSTATE_H
#define GIT_PUSHSTATE_H

#include <stddef.h>

#include "base/err.h"

/*
 * pushstate_write(): path gets the text, of less than a block, atomically; on
 * a disk that is full, into the room that the file has: that a key is revoked
 * does not wait for space. A line that a crash cut then is none to who reads
 * it. 0, or -1: ERR_SYS, ERR_UNSAFE as file_write().
 */
int pushstate_write(const char *path, const char *text, size_t len,
	struct err *e);

/* pushstate_sweep(): away with what a process left that was killed while it
 * wrote. What fails is left to the next one. */
void pushstate_sweep(const char *dir);

#endif
