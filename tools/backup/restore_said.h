/* SPDX-License-Identifier: ISC */
/* restore_said: what a person, or --json, is told of a restore. */
#ifndef BACKUP_RESTORE_SAID_H
#define BACKUP_RESTORE_SAID_H

#include "backup.h"
#include "lack.h"
#include "reply.h"

struct restore_said {
	const char *section;	/* job or client; borrowed, as all here */
	const char *to;
	const struct reply *result;
	const struct lack *lack;
	uint64_t errors;	/* what rsync complained of */
};

/* restore_said(): the end: what is lacking by name and counted, then what was
 * done. Returns the exit status: 0, or 2 when something is lacking. */
int restore_said(const struct backup_opts *o, const struct restore_said *s);

/* restore_would(): --dry-run: base and name together are the path. */
void restore_would(const struct backup_opts *o, const char *base,
	const struct lack_item *it);

#endif
