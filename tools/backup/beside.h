/* SPDX-License-Identifier: ISC */
/*
 * beside: the last run's list (seen.h), gone through beside the walk that makes
 * this one's, which comes to folders and names in the same order; and what
 * that tells of changes (changes.h).
 *
 *	beside_init → beside_folder → beside_name … → beside_end … →
 *	beside_over → beside_clear
 */
#ifndef BACKUP_BESIDE_H
#define BACKUP_BESIDE_H

#include "seen.h"

struct beside {
	struct seen_in in;
	struct buf *changes;	/* borrowed */
	bool more;		/* it is not at its end */
	bool here;		/* it is at a name of the folder at hand */
	bool known;		/* it had that folder */
	bool all;		/* of that folder each name is told */
	bool resend;		/* what was sent of it may not be what it is */
};

/* beside_init(): old: borrowed, or NULL: there is no list, and nothing is ever
 * told. All here: 0, or -1: ERR_CONFIG (the list is damaged; only a walk by
 * rsync can tell), ERR_MEM (there is more to tell than changes may hold),
 * ERR_SYS. */
int beside_init(struct beside *b, FILE *old, struct buf *changes,
	struct err *e);
void beside_clear(struct beside *b);	/* legal on a zeroed one */

/* beside_folder(): the walk is in the folder path ("/", "/a/"; "" with its
 * paths for names). resend: below something that was moved about since. */
int beside_folder(struct beside *b, const char *path, bool resend,
	struct err *e);
/* beside_name(): a name of it, in dir, as it is now, with so many names in
 * all; its flags are added to. closed: a folder of which nothing comes but
 * itself, whatever came then. */
int beside_name(struct beside *b, const char *dir, const char *name,
	unsigned long links, bool closed, struct seen_entry *now,
	struct err *e);
/* beside_end(): the folder has no more. beside_over(): the walk neither: the
 * list's sum is looked at. */
int beside_end(struct beside *b, const char *dir, struct err *e);
int beside_over(struct beside *b, struct err *e);

#endif
