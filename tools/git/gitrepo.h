/* SPDX-License-Identifier: ISC */
/*
 * gitrepo: the repository that an argument names. gitolite takes it with a
 * '/' in front and one behind, with ".git" and with ".git3" (a level of its
 * trace); policy has to mean the same repository in all of these, so it sees
 * the bare name. Pure.
 *
 *	name	[A-Za-z0-9][A-Za-z0-9._@/+-]{0,GITREPO_MAX-1}, without "..",
 *		".git/", "//" or "/./" in it, a '/' or ".git" at its end
 *
 * The first two are gitolite's own rules. The next would be a second name of
 * the same folder, past any rule for the first.
 * Source: parse_soc() in gitolite-shell 3.6.12, sanity() in Conf/Load.pm.
 */
#ifndef GIT_GITREPO_H
#define GIT_GITREPO_H

#include <stddef.h>

#include "base/err.h"

#define GITREPO_MAX 1024	/* bytes, without the NUL */

/* gitrepo_name(): arg's name into ret; untouched on failure. 0, or -1
 * ERR_REFUSED with what is wrong (arg is shown escaped). */
int gitrepo_name(const char *arg, char ret[GITREPO_MAX + 1], struct err *e);

/* gitrepo_pattern(): that a pattern, in which '*' is any run of characters, is
 * such that a name can fit it: a rule about "x.git" or "/x" is about nothing.
 * 0, or -1 ERR_REFUSED. */
int gitrepo_pattern(const char *pattern, struct err *e);

#endif
