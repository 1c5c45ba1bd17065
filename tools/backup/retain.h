/* SPDX-License-Identifier: ISC */
/*
 * retain: which snapshots of one client stay, and why. Pure; the times are
 * the store's own, a client's clock takes no part. Snapshots of several series
 * (the client's jobs) take no place from each other.
 *
 * A rule keeps the newest snapshot of each of the newest N periods that have
 * one: hours, days, weeks (from Monday), months and years of UTC; last keeps
 * the newest N. Periods without a snapshot don't count, so a client that was
 * silent loses nothing by it, and neither does anybody when the store's clock
 * was set forward. Without any rule all stay.
 *
 * A snapshot whose time is past now_s was made before the clock was set back:
 * it stays, takes no place in any rule nor among the min_keep, and so makes no
 * other go. When the clock has reached it, it is one as all others.
 *
 * Pinned and held ones (a reader or restore has it open) stay; they have their
 * place in the rules as all others. If fewer than min_keep stay, not counting
 * future ones and those that only a reader holds, the newest of the others do
 * as well.
 */
#ifndef POSTERN_RETAIN_H
#define POSTERN_RETAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {				/* why a snapshot stays; 0: it goes */
	RETAIN_LAST = 1 << 0,
	RETAIN_HOURLY = 1 << 1,
	RETAIN_DAILY = 1 << 2,
	RETAIN_WEEKLY = 1 << 3,
	RETAIN_MONTHLY = 1 << 4,
	RETAIN_YEARLY = 1 << 5,
	RETAIN_MIN_KEEP = 1 << 6,
	RETAIN_PINNED = 1 << 7,
	RETAIN_HELD = 1 << 8,
	RETAIN_FUTURE = 1 << 9,
	RETAIN_NO_RULE = 1 << 10,	/* none is set */
	RETAIN_OTHER_JOB = 1 << 11,	/* history_retire() */
};

struct retain_rules {		/* 0: not set */
	unsigned last, hourly, daily, weekly, monthly, yearly;
	unsigned min_keep;	/* no rule, but a floor for all of them */
};

struct retain_snap {
	int64_t time_s;		/* since 1970, UTC; not below 0 */
	bool pinned, held;
	const void *tag;	/* the caller's */
	const char *series;	/* borrowed; NULL is one, too */
	unsigned why;		/* set by retain_mark(): RETAIN_* */
};

/* retain_mark(): sorts the n snapshots at v, by series and there the newest
 * first, and sets .why of each. now_s: the store's clock. */
void retain_mark(struct retain_snap *v, size_t n,
	const struct retain_rules *rules, int64_t now_s);

/* retain_why(): "daily, weekly, pinned", appended; "-" for 0. 0, or -1: out's
 * cap is reached. */
int retain_why(unsigned why, struct buf *out);

#endif
