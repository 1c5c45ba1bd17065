/* SPDX-License-Identifier: ISC */
/*
 * exclude: whether a path is left out by a job's excludes, as rsync decides
 * it for the rules that rules_text() makes of them. Pure. A test holds it
 * against rsync itself, pattern by pattern and path by path.
 *
 *	/a/b	that path		a	a name, anywhere
 *	a/b	the end of a path	a/	folders only
 *	*	bytes but '/'		**	any bytes
 *	?	one byte but '/'	[a-z]	one of these, [!a-z] and [^a-z]
 *					not one of these; never '/'
 *	"a/" and three stars: a and all that is below it
 *
 * What lies below something that is left out is not asked about.
 * Source: rsync(1), PATTERN MATCHING RULES.
 */
#ifndef BACKUP_EXCLUDE_H
#define BACKUP_EXCLUDE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"

struct exclude_rule;

struct exclude {
	struct exclude_rule *v;	/* owned, n */
	size_t n;
	const struct strv *roots;
	bool all;		/* "/" is a root */
};

/*
 * exclude_init(): roots and excludes are borrowed for its life.
 * 0, or -1: ERR_MEM, or ERR_CONFIG: these can only be left to rsync: a class
 * by name ("[[:alpha:]]"), a '\' anywhere, brackets that don't end;
 * a root below another one; one that is left out itself.
 */
int exclude_init(struct exclude *x, const struct strv *roots,
	const struct strv *excludes, struct err *e);
void exclude_clear(struct exclude *x);	/* legal on a zeroed struct */

/* exclude_hit(): path is absolute and plain, below a root, not a root. */
bool exclude_hit(const struct exclude *x, const char *path, bool folder);

/* exclude_empty(): whether of this folder, which is not left out, only itself
 * comes: /dev, /proc, /run and /sys of the root "/". */
bool exclude_empty(const struct exclude *x, const char *path);

#endif
