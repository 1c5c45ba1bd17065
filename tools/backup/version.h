/* SPDX-License-Identifier: ISC */
/*
 * version: which rsync this machine has, and what follows from it.
 *
 *	a zeroed struct with on_end → version_start → on_end once →
 *	version_clear
 */
#ifndef BACKUP_VERSION_H
#define BACKUP_VERSION_H

#include <stdbool.h>

#include "base/err.h"
#include "proc/loop.h"

#define VERSION_MAX	31

struct child;

struct version {
	char said[VERSION_MAX + 1];	/* "3.2.7"; "" if it said nothing of
					 * the kind */
	struct child *child;
	void (*on_end)(void *arg);	/* set by the owner */
	void *arg;
};

/* version_start(): asks it, which takes 10 ms. 0, or -1: ERR_SYS (it isn't
 * there), ERR_MEM. */
int version_start(struct version *v, struct loop *l, struct err *e);
/* version_clear(): legal on a zeroed struct; before loop_free(). */
void version_clear(struct version *v);

/* version_rsync(): the same, and waits: "3.2.7", owned. 0, or -1: ERR_SYS,
 * ERR_PEER (it says nothing of a version), ERR_MEM. Where no loop runs. */
int version_rsync(char **ret, struct err *e);

/* version_line(): the version in the first line of `rsync --version`, without
 * the 'v' that one out of git has. false: it is no such line. Pure. */
bool version_line(const char *line, char out[VERSION_MAX + 1]);

/*
 * version_holes(): whether an rsync of that version clears what it makes a hole
 * of in a file that it changes in place (--sparse): before 3.3.0 the old bytes
 * stay where the new file ends in zeros. "": not known, so not. Pure.
 * Source: rsync's NEWS, 3.3.0.
 */
bool version_holes(const char *version);

#endif
