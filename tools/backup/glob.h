/* SPDX-License-Identifier: ISC */
/*
 * glob: file name patterns over whole paths. Pure, over bytes, without a
 * locale; never recurses, and takes at most len(pattern) * len(path)^2 steps.
 *
 *	*	any bytes but '/'		**	any bytes
 *	?	one byte but '/'		\c	c itself
 *	[a-z]	one byte but '/', of these	[!a-z]	or [^a-z]: not of these
 *
 * A '[' without its ']' stands for itself. "**" followed by a '/' also matches
 * nothing when it begins the pattern or comes after a '/'.
 */
#ifndef POSTERN_GLOB_H
#define POSTERN_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* glob_match(): whether all of s (len bytes) matches all of pattern (a
 * string). */
bool glob_match(const char *pattern, const char *s, size_t len);

/* glob_literal(): how many bytes at the beginning of pattern match only
 * themselves; all of it when it has no wildcard and no '\'. */
size_t glob_literal(const char *pattern);

/* glob_tail(): how many bytes at its end do. 0 when a '[' or '\' makes that
 * hard to tell. */
size_t glob_tail(const char *pattern);

#endif
