/* SPDX-License-Identifier: ISC */
/*
 * store_trim: what a receiver that is told its roots one by one leaves alone.
 * Such an rsync deletes inside of the roots; what an earlier run with other
 * roots left beside them, in a copy of the last snapshot or in a broken run's
 * folder, would stay for ever.
 */
#ifndef POSTERN_STORE_TRIM_H
#define POSTERN_STORE_TRIM_H

#include "base/err.h"
#include "base/strv.h"

/*
 * store_trim(): of the folder name in dirfd, keep the roots (absolute paths
 * below it) with all in them, and the folders that lead to them; remove the
 * rest. No symbolic link is followed. where: the path of dirfd, for messages.
 * 0, or -1: ERR_SYS, or as store_rmtree().
 */
int store_trim(int dirfd, const char *where, const char *name,
	const struct strv *roots, struct err *e);

/*
 * store_trim_folders(): of the same folder, empty each of the folders (as
 * above). What is none, or not there, or behind a symbolic link is passed over.
 * 0, or -1 likewise.
 */
int store_trim_folders(int dirfd, const char *where, const char *name,
	const struct strv *folders, struct err *e);

#endif
