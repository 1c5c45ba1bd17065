/* SPDX-License-Identifier: ISC */
/*
 * gitcmd_table: which commands there are, and the shapes of their arguments.
 * Internal to gitcmd. A shape is words with one space between:
 *
 *	REPO	a repository; written, if the row says so
 *	NEWREPO	a repository that is written
 *	REPO|@all	a repository or the word @all
 *	'REPO'	a repository that has quotes
 *	USER	a user or @group
 *	HEX	1 to 64 digits of a hash
 *	WORD	anything that is no option
 *	TEXT	one or more words to the end
 *	a|b	one of these, literally
 *	[X]	X may be missing; [X]... comes any number of times
 */
#ifndef GIT_GITCMD_TABLE_H
#define GIT_GITCMD_TABLE_H

#include "gitcmd.h"

struct gitcmd_row {
	const char *verb;
	const char *shape;
	enum gitcmd_kind kind;
	bool write;
};

extern const struct gitcmd_row gitcmd_rows[];	/* ends with verb NULL */

/* What people try that can't work here, and what to tell them: pattern (of
 * gitid_like()) of the first word. */
struct gitcmd_stranger {
	const char *pattern;
	const char *why;
};

extern const struct gitcmd_stranger gitcmd_strangers[];	/* ends as above */

/* gitcmd_fits(): whether the words after the verb have that shape. */
bool gitcmd_fits(const char *shape, const struct gitword *line);

/* gitcmd_token(): the token of shape for argument i (counted from 1), or
 * NULL; its length into *ret_len. For a line that fits, and a token before
 * any [...]. */
const char *gitcmd_token(const char *shape, size_t i, size_t *ret_len);

#endif
