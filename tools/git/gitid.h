/* SPDX-License-Identifier: ISC */
/*
 * gitid: who a key belongs to. A key id is gitolite's user name in a narrower
 * grammar, since it is a word of a forced command, of the wire line and of
 * file names:
 *
 *	[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}
 *
 * Never empty, never an option, never a path, nothing that a shell reads.
 * Pure.
 */
#ifndef GIT_GITID_H
#define GIT_GITID_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"

#define GITID_MAX	64	/* bytes, without the NUL */

/* Nobody's: of the check's own key (gitcheck.h). */
#define GITID_CHECK	"postern-check"

/* gitid_valid(): whether len bytes at s are a key id. */
bool gitid_valid(const char *s, size_t len);

/* gitid_check(): the same; 0, or -1 ERR_CONFIG with what is wrong. */
int gitid_check(const char *s, size_t len, struct err *e);

/*
 * gitid_from_path(): the user of a key file, as gitolite's ssh-authkeys names
 * it: what stands behind the last '/', without what (@[^.]+)?\.pub$ matches
 * first. alice@laptop.pub is alice, a@b.com.pub is a@b.com.
 * path  borrowed; with or without folders.
 * Returns 0 with the id in ret, or -1: ERR_REFUSED for a key that sskm holds
 * back (zzz-marked-for-...), which is no user and no mistake; ERR_CONFIG for a
 * name that gives no id, also one that gitolite itself dies of.
 * Source: optionise() in triggers/post-compile/ssh-authkeys, commands/sskm.
 */
int gitid_from_path(const char *path, char ret[GITID_MAX + 1],
	struct err *e);

/*
 * gitid_denied(): whether id fits one of patterns, in which '*' is any run of
 * characters. patterns NULL: what no key file may be for: server-* (the names
 * by which gitolite's mirrors trust each other), zzz-marked-for-*, and
 * GITID_CHECK.
 */
bool gitid_denied(const struct strv *patterns, const char *id);

/* gitid_pattern(): that a pattern is such that an id can fit it. 0, or -1
 * ERR_CONFIG. */
int gitid_pattern(const char *pattern, struct err *e);

/* gitid_like(): whether all of s fits pattern: '*' is any run of characters,
 * all else is itself. */
bool gitid_like(const char *pattern, const char *s);

#endif
