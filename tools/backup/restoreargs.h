/* SPDX-License-Identifier: ISC */
/*
 * restoreargs: which parts of a snapshot a restoring rsync asks for. Pure.
 *
 * The daemon at the other end refuses --relative, so full paths are kept in
 * another way: what is asked for are the first parts of the paths below a
 * base (a folder that is there already, and whose own owner, mode and times
 * are none of the restore's business), and rules leave all out that is not on
 * the way to a path or below one. The rules are our own rsync's: it holds the
 * other end to them (a name that they leave out ends the transfer), and sends
 * them there, too.
 */
#ifndef POSTERN_RESTOREARGS_H
#define POSTERN_RESTOREARGS_H

#include "base/err.h"
#include "base/strv.h"
#include "plain.h"

/*
 * restoreargs_paths(): what a person typed as plain paths, none of them twice
 * or below another; "/" when there is none. A '/' at the end is dropped.
 * 0 with *ret filled (empty before; owned, also on failure), or -1:
 * ERR_USAGE that names the path, ERR_MEM.
 */
int restoreargs_paths(char *const *typed, size_t n, struct strv *ret,
	struct err *e);

/*
 * restoreargs_base(): the deepest folder that all paths lie below and whose
 * path has no wildcard in it (rsync would expand it), into ret. "/" is
 * always one.
 */
void restoreargs_base(const struct strv *paths, char ret[PLAIN_MAX + 1]);

/*
 * restoreargs_make(): the sources, for behind "x::root", and the rules, as
 * rsync's options. base: restoreargs_base()'s, or a folder above that.
 * 0 with both filled (empty before; owned, also on failure), or -1: ERR_USAGE
 * (a path that rsync takes no rule for: too long), ERR_MEM.
 */
int restoreargs_make(const struct strv *paths, const char *base,
	struct strv *sources, struct strv *rules, struct err *e);

#endif
