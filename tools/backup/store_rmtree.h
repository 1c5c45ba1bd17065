/* SPDX-License-Identifier: ISC */
/*
 * store_rmtree: a whole tree removed, whatever a hostile receiver left in it.
 * Iterative: a path is never put together, so no depth is too deep; at most
 * 64 folders are open at a time, and beyond that the way back up goes by
 * "..", which must lead to the folder that we came from. No symbolic link is
 * followed. A folder that another file system, or this one once more, is
 * mounted on is not entered. Folders that a plain user can't enter are made so
 * by chmod. Nested btrfs subvolumes are emptied like folders.
 */
#ifndef POSTERN_STORE_RMTREE_H
#define POSTERN_STORE_RMTREE_H

#include "base/err.h"

/*
 * store_rmtree(): remove the folder name in dirfd. What can't be removed is
 * passed over, and all the rest is removed.
 * where  the path of dirfd, for messages.
 * Returns 0, also when there was none; or -1 with the first failure: ERR_SYS,
 * ERR_UNSAFE (a mount point; a folder that was moved meanwhile), ERR_MEM.
 */
int store_rmtree(int dirfd, const char *where, const char *name,
	struct err *e);

#endif
