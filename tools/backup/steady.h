/* SPDX-License-Identifier: ISC */
/*
 * steady: what has to stay as it is while a run goes on, so that ctimes tell
 * what has changed (scan.h): the clock, which must not be set; what is mounted
 * below the roots; and the roots themselves. Nobody's ctime changes when a
 * file system comes into the place of a folder, or goes.
 *
 *	steady_begin → steady_clock, steady_places … → steady_clear
 */
#ifndef BACKUP_STEADY_H
#define BACKUP_STEADY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strv.h"

#define STEADY_BOOT 40		/* bytes of a boot's id, with the NUL */

struct steady_root;

struct steady {
	int64_t real_ns, boot_ns;	/* CLOCK_REALTIME and CLOCK_BOOTTIME
					 * of the moment that it began */
	int mounts;			/* mountinfo, open since; or -1 */
	bool moved;			/* mounts have changed */
	bool below;			/* there were some below a root */
	const struct strv *roots;	/* borrowed */
	struct steady_root *v;		/* owned; of each root, or NULL */
};

/* steady_begin(): from now on. What it can't learn counts as changed. s is
 * zeroed, or was begun before. roots: borrowed for its life. */
void steady_begin(struct steady *s, const struct strv *roots);
void steady_clear(struct steady *s);	/* legal on a zeroed one */

/* steady_clock(): whether nobody has set the clock by more than a second. */
bool steady_clock(const struct steady *s);
/* steady_places(): whether each root is the folder or file that it was, and
 * nothing below it was mounted or unmounted. A root that we may not look at
 * counts as the same. Source: proc(5), that poll(2) tells of a change. */
bool steady_places(struct steady *s);

/* steady_boot(): this boot's id; "" if there is none. */
void steady_boot(char ret[STEADY_BOOT]);
/* steady_since(): whether the clock was not set between begun_ns and now, as
 * far as that can be known: offset_ns is what CLOCK_REALTIME was ahead of
 * CLOCK_BOOTTIME then, in the boot with that id. Of another boot only that
 * it has not gone back. */
bool steady_since(int64_t begun_ns, int64_t offset_ns,
	const char boot[STEADY_BOOT]);

#endif
