/* SPDX-License-Identifier: ISC */
/*
 * rootargs: the paths by which a receiver of ours asks the rsync daemon of a
 * sender for each root by itself, where one-file-system is on: rsync takes the
 * file system of each path that it is given for the one to stay on, and with
 * the module alone that is the one of "/". Pure.
 *
 * A byte that rsync would take for more than itself ('*', '?', '[', '\' and
 * the ends of a line) is a '?' here. What else that matches, the rules of the
 * sender leave out.
 */
#ifndef BACKUP_ROOTARGS_H
#define BACKUP_ROOTARGS_H

#include "base/err.h"
#include "base/strv.h"

#define ROOTARGS_MODULE "root"	/* the one module that there is */

/* What rsync's daemon would read as more than a byte of a name. */
#define ROOTARGS_ODD	"*?[\\\n\r"

/* rootargs_make(): "root/srv/data" for each root (plain, plain.h), appended to
 * ret, each once. 0, or -1: ERR_MEM. */
int rootargs_make(const struct strv *roots, struct strv *ret, struct err *e);

#endif
