/* SPDX-License-Identifier: ISC */
/*
 * lock: one holder of a named lock file at a time, by flock(2) on a file
 * that stays in place; the kernel releases it however the holder ends. With a
 * timeout the lock is tried again every 20 ms: flock has none of its own.
 */
#ifndef POSTERN_LOCK_H
#define POSTERN_LOCK_H

#include "base/err.h"

/*
 * lock_take(): open (making it 0600) and lock path. timeout_ms 0 tries once.
 * Returns 0 with *ret_fd owned (close() releases; O_CLOEXEC), or -1:
 * ERR_BUSY held by someone else (the message names the pid that the file
 * records), ERR_SYS, ERR_UNSAFE (a symlink or not a regular file).
 */
int lock_take(const char *path, unsigned timeout_ms, int *ret_fd,
	struct err *e);

/* lock_take_at(): the same for name in the folder dirfd; path is what
 * messages call it. */
int lock_take_at(int dirfd, const char *name, const char *path,
	unsigned timeout_ms, int *ret_fd, struct err *e);

#endif
