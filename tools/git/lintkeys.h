/* SPDX-License-Identifier: ISC */
/*
 * lintkeys: `postern git lint-keys FILE|DIR`: what a push would make of these
 * keys, with no effect.
 *	a folder	as gitolite's keydir
 *	NAME.pub	as one file of it
 *	another file	line by line as authorized_keys: what sshd would pass
 *			over
 */
#ifndef GIT_LINTKEYS_H
#define GIT_LINTKEYS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"

/*
 * lintkeys_main(): one line (an object) a key: its id, type, fingerprint and
 * file; and for each that would be left out its file and why.
 * denied  as in keydir.h.
 * Returns the exit status: 0, or 1 when something would be left out, or can't
 * be read.
 */
int lintkeys_main(const char *path, const struct strv *denied, bool json);

#endif
