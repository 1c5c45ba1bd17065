/* SPDX-License-Identifier: ISC */
/*
 * gitconf_keys: the keys of git.conf, and what a value of each may be.
 * Internal to gitconf. Pure.
 */
#ifndef GIT_GITCONF_KEYS_H
#define GIT_GITCONF_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum gitconf_kind {
	GITCONF_ID,		/* char *: of gitid.h's grammar */
	GITCONF_HOST,		/* char *: an ssh destination */
	GITCONF_PATH_,		/* char *: absolute, without ".." */
	GITCONF_HOSTS,		/* struct strv of destinations */
	GITCONF_REPOS,		/* struct strv of patterns */
	GITCONF_IDS,		/* the same, of ids */
	GITCONF_COMMANDS,	/* struct strv of gitolite's commands */
	GITCONF_NUM,		/* int64_t: min to max */
	GITCONF_TIME,		/* int64_t: milliseconds, min to max */
	GITCONF_WORD,		/* int64_t: which one of words */
};

struct gitconf_key {
	const char *section, *key;
	enum gitconf_kind kind;
	size_t at;		/* in struct gitconf */
	int64_t min, max;
	const char *words;	/* with one space between */
};

extern const struct gitconf_key gitconf_keys[];	/* ends with key NULL */

/* gitconf_value(): value (borrowed) to place, of k's kind. 0, or -1:
 * ERR_CONFIG with the key's name, ERR_MEM. */
int gitconf_value(const struct gitconf_key *k, const char *value,
	void *place, struct err *e);

#endif
