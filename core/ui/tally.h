/* SPDX-License-Identifier: ISC */
/*
 * tally: how many hosts of a run came to what end, the exit status that says
 * so, and the last object of --json. Pure, but for tally_emit().
 */
#ifndef POSTERN_TALLY_H
#define POSTERN_TALLY_H

#include <stddef.h>
#include <stdio.h>

struct tally {
	size_t ok, failed;
	size_t later;		/* busy, out of time: may succeed later */
};

/* tally_status(): 0 all (or nobody was asked), 2 some, 1 none, 75 none and
 * each may be tried again. */
int tally_status(const struct tally *t);

/* tally_emit(): {"event":"end","ok":N,"failed":N,"status":N}; who may be tried
 * again has failed for now. What can't be written is the reader's loss. */
void tally_emit(const struct tally *t, FILE *out);

#endif
