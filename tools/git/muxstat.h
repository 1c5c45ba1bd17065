/* SPDX-License-Identifier: ISC */
/*
 * muxstat: the lines that the pool writes of its masters (mux.h), read again
 * for `status` and `check`. Pure, but for muxstat_sessions().
 */
#ifndef GIT_MUXSTAT_H
#define GIT_MUXSTAT_H

#include <stdbool.h>
#include <stdint.h>

#define MUXSTAT_WHY	256	/* bytes, with the NUL */

struct muxstat {
	unsigned number;
	char state[16];		/* "up", "starting", "waiting", "leaving" */
	int64_t since;		/* seconds since 1970 */
	unsigned starts;
	int64_t failed;		/* when it last ended by itself; 0: never */
	char why[MUXSTAT_WHY];	/* and what ssh said then; "": nothing */
};

/* muxstat_next(): the master of the line at *at, which moves behind it; lines
 * that are none are passed over. false: there is no more. */
bool muxstat_next(const char **at, struct muxstat *ret);

/* muxstat_up(): how many of text's masters are up. */
unsigned muxstat_up(const char *text);

/* muxstat_for(): how long, for a person: "5 s", "3 min", "7 h", "2 days"; a
 * negative one, of a clock that was set, as 0. */
#define MUXSTAT_FOR 32
void muxstat_for(int64_t seconds, char ret[MUXSTAT_FOR]);

/* muxstat_sessions(): how many go through master k of the pool in run_dir, by
 * the locks that they hold (muxuse.h); -1: unknown. Source: proc_locks(5). */
int muxstat_sessions(const char *run_dir, unsigned k);

#endif
