/* SPDX-License-Identifier: ISC */
/*
 * keyserial: the sequence of key pushes, which has to rise with each, also
 * when the file that keeps it was lost or is an older copy: so it is never
 * below the time in seconds.
 */
#ifndef GIT_KEYSERIAL_H
#define GIT_KEYSERIAL_H

#include <stdint.h>

#include "base/err.h"

/*
 * keyserial_next(): the next sequence, noted in the file at path before this
 * returns. The caller holds a lock: whoever reads the keys after this call
 * has a higher number than those who read them before.
 * now_s  the time, seconds since 1970; what is noted but can't be read as a
 *        number counts as lost.
 * Returns 0, or -1: ERR_SYS, ERR_UNSAFE as pushstate_write(); ERR_REFUSED, the
 * sequence is at its end (2^63-1).
 */
int keyserial_next(const char *path, uint64_t now_s, uint64_t *ret,
	struct err *e);

/* keyserial_last(): the one that was taken last; 0: none is noted. path: with
 * its folder; what is a link is none. */
uint64_t keyserial_last(const char *path);

#endif
