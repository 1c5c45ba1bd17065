/* SPDX-License-Identifier: ISC */
/*
 * steady: what has to stay as it is while a run goes on, so that ctimes tell
 * what has changed (scan.h): the clock, which must not be set; what is mounted
 * at, above and below the roots; and the roots themselves. Nobody's ctime
 * changes when a file system comes into the place of a folder, or goes.
 *
 *	steady_begin → steady_clock, steady_places … → steady_clear
 */
#ifndef BACKUP_STEADY_H
#define BACKUP_STEADY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/strv.h"
#include "exclude.h"
#include "proc/loop.h"

#define STEADY_BOOT 40		/* bytes of a boot's id, with the NUL */

struct steady_root;

struct steady {
	int64_t real_ns, boot_ns;	/* CLOCK_REALTIME and CLOCK_BOOTTIME
					 * of the moment that it began */
	int mounts;			/* mountinfo, open since; or -1 */
	struct loop_fd *watch;
	struct buf text, ours;		/* its text as of the last look, and
					 * what of it touches the roots */
	bool moved;			/* what is mounted has changed */
	const struct strv *roots;	/* borrowed */
	struct exclude out;
	struct steady_root *v;		/* owned; of each root, or NULL */
};

/*
 * steady_begin(): from now on. What it can't learn counts as changed. s is
 * zeroed, or was begun before. l, roots, excludes: borrowed for its life; l is
 * to turn meanwhile, since what is mounted is looked at each time that it
 * changes: what came and went between two looks leaves the same text behind.
 */
void steady_begin(struct steady *s, struct loop *l, const struct strv *roots,
	const struct strv *excludes);
void steady_clear(struct steady *s);	/* legal on a zeroed one */

/* steady_clock(): whether nobody has set the clock by more than a second. */
bool steady_clock(const struct steady *s);
/* steady_places(): whether each root is the folder or file that it was, and
 * nothing at it, above it, or below it and not excluded was mounted or
 * unmounted. A root that we may not look at counts as the same.
 * Limits: a mount that came and went while another one elsewhere changed, both
 * within one turn of the loop. Source: proc(5), that poll(2) tells of a
 * change. */
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
