/* SPDX-License-Identifier: ISC */
/*
 * gitkeydir: whether gitolite knows an id: whether a key file in its keydir,
 * at any depth, is that user's by gitid_from_path(). The plain name ID.pub is
 * looked for first; otherwise the folder is read, without following links.
 *
 * Measured with 100 000 files in memory, in one folder or in a hundred: 55 ms
 * of CPU where no file is the id's, and 44 where one is (median of 50 walks on
 * ext4; the least 41 and 34; on tmpfs 40 and 18). ID.pub takes none of it.
 */
#ifndef GIT_GITKEYDIR_H
#define GIT_GITKEYDIR_H

#include "base/err.h"

#define GITKEYDIR_DEPTH 16	/* folders below keydir */

/* gitkeydir_has(): 1, 0, or -1 ERR_SYS. */
int gitkeydir_has(const char *keydir, const char *id, struct err *e);

#endif
