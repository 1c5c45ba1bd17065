/* SPDX-License-Identifier: ISC */
/*
 * store_copy: what rsync gave a file or folder of a snapshot, owner, mode,
 * times, ACLs and extended attributes, once more for another.
 */
#ifndef BACKUP_STORE_COPY_H
#define BACKUP_STORE_COPY_H

#include <sys/stat.h>

#include "base/err.h"

/* store_copy_meta(): from has st and a descriptor that can be read, to one of
 * our own making; as a plain user all is ours, so the owner is left alone.
 * 0, or -1 ERR_SYS, ERR_MEM. */
int store_copy_meta(int from, const struct stat *st, int to, struct err *e);

/* store_copy_file(): the regular file name of the folder from, which is st,
 * as a new file in the folder to, with its holes and its meta. 0, or -1
 * ERR_SYS, ERR_MEM, ERR_UNSAFE (it is not the file of st). */
int store_copy_file(int from, const char *name, const struct stat *st, int to,
	struct err *e);

#endif
