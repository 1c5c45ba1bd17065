/* SPDX-License-Identifier: ISC */
/*
 * gitkeydir: whether gitolite knows an id: whether a key file in its keydir,
 * at any depth, is that user's by gitid_from_path(). The plain name ID.pub is
 * looked for first; otherwise the folder is read, without following links: at
 * 100 000 files that takes some 50 ms, of which ID.pub takes none.
 */
#ifndef GIT_GITKEYDIR_H
#define GIT_GITKEYDIR_H

#include "base/err.h"

#define GITKEYDIR_DEPTH 16	/* folders below keydir */

/* gitkeydir_has(): 1, 0, or -1 ERR_SYS. */
int gitkeydir_has(const char *keydir, const char *id, struct err *e);

#endif
