/* SPDX-License-Identifier: ISC */
/*
 * lockmem: bytes for a secret, in programs that link nothing but libc (others
 * have core/secret): pages of their own between two that nobody may touch,
 * locked, left out of dumps and of forked children, and wiped in the end.
 * Source: mmap(2), mlock(2), madvise(2), explicit_bzero(3).
 */
#ifndef POSTERN_LOCKMEM_H
#define POSTERN_LOCKMEM_H

#include <stddef.h>

#include "base/err.h"

struct lockmem {
	unsigned char *data;	/* owned; NULL: none */
	size_t len;		/* bytes in use: the caller's to set */
	size_t cap;
	void *map;		/* with the pages around it */
	size_t map_len;
};

/* lockmem_harden(): no core of this process or of those that it starts, no
 * other may trace it. 0, or -1 ERR_SYS. */
int lockmem_harden(struct err *e);

/* lockmem_init(): cap zero bytes, len 0. 0, or -1 ERR_SYS: also where the
 * memory can't be locked. */
int lockmem_init(struct lockmem *m, size_t cap, struct err *e);

/*
 * lockmem_read(): from fd until end of file into m, straight; waits at most
 * timeout_ms in all. 0, or -1: ERR_TIMEOUT, ERR_CONFIG (more than m->cap
 * bytes), ERR_SYS; then m is wiped.
 */
int lockmem_read(struct lockmem *m, int fd, unsigned timeout_ms,
	struct err *e);
/* lockmem_line(): the same, until there is a newline, with which m ends but for
 * what came along with it; where the file ends sooner, what there was. */
int lockmem_line(struct lockmem *m, int fd, unsigned timeout_ms,
	struct err *e);

/* lockmem_wipe(): zeros, len 0. lockmem_clear(): that, and released. Both are
 * legal on a zeroed struct. */
void lockmem_wipe(struct lockmem *m);
void lockmem_clear(struct lockmem *m);

#endif
