/* SPDX-License-Identifier: ISC */
/*
 * gitslot: how many sessions at once, and how many are begun a minute, for one
 * id and for all. A file for each name in a folder that is empty after a boot
 * (/run); a session holds a lock on one byte of it, which the kernel lets go
 * of however it ends.
 *
 *	0	8	when the next session would be on time, in nanoseconds
 *			of CLOCK_BOOTTIME, in this machine's byte order
 *	SLOTS+k		locked: slot k is taken
 *
 * The rate is a bucket that begins full: a minute's worth may come at once.
 * Source: fcntl(2), open file description locks; GCRA, ITU-T I.371.
 */
#ifndef GIT_GITSLOT_H
#define GIT_GITSLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define GITSLOT_ALL "@all"	/* a name that no id has */

/*
 * gitslot_take(): a slot of name's, and its turn by the rate.
 * dirfd        of the folder, writable by us alone; borrowed.
 * at_once      slots; 0: no limit.
 * per_minute   0: no limit.
 * Returns 0 with *ret_fd owned (-1: there is no limit); close() gives it
 * back. -1: ERR_BUSY (which limit, for a person), ERR_SYS, ERR_UNSAFE (not a
 * regular file).
 */
int gitslot_take(int dirfd, const char *name, int64_t at_once,
	int64_t per_minute, int *ret_fd, struct err *e);

/* gitslot_turn(): pure: whether one more may begin at now_ns; *due_ns is what
 * the file says, and is moved on if so. */
bool gitslot_turn(uint64_t *due_ns, uint64_t now_ns, uint64_t per_minute);

#endif
