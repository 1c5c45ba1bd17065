/* SPDX-License-Identifier: ISC */
/*
 * store_file: folders and small files below an open folder of the store.
 * Nothing here follows a symbolic link, and nothing is opened that is not of
 * the kind that is asked for: a link that somebody swaps in is refused
 * (ERR_UNSAFE), never walked through. Every name is one part of a path.
 *
 * where  in all of them: the path of the folder, for messages only.
 */
#ifndef POSTERN_STORE_FILE_H
#define POSTERN_STORE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * store_file_dir(): open the folder name in dirfd, for reading. 0 with
 * *ret_fd owned, or -1: ERR_UNSAFE (a symbolic link, not a folder), ERR_SYS.
 */
int store_file_dir(int dirfd, const char *where, const char *name,
	int *ret_fd, struct err *e);

/*
 * store_file_mkdir(): make the folder name with mode, whatever the umask;
 * one that is there is left as it is. 0, or -1 as store_file_dir().
 */
int store_file_mkdir(int dirfd, const char *where, const char *name,
	mode_t mode, struct err *e);

/*
 * store_file_private(): whether the folder behind fd is uid's (or root's)
 * and not for others: no bit of mask is in its mode. 0, or -1 ERR_UNSAFE,
 * ERR_SYS.
 */
int store_file_private(int fd, const char *path, uid_t uid, mode_t mask,
	struct err *e);

/*
 * store_file_put(): put len bytes of data in place of the file name, mode
 * 0600: a temporary file beside it, fsync, rename, fsync of the folder. 0, or
 * -1 ERR_SYS; then the old content is as it was.
 */
int store_file_put(int dirfd, const char *where, const char *name,
	const void *data, size_t len, struct err *e);

/*
 * store_file_get(): append the file name to out, whose cap bounds it. 0, or
 * -1: ERR_SYS (ENOENT among them), ERR_UNSAFE (a link, not a regular file),
 * ERR_CONFIG (larger than the cap), ERR_MEM.
 */
int store_file_get(int dirfd, const char *where, const char *name,
	struct buf *out, struct err *e);

/* store_file_write(), store_file_fill(): all of data to fd; up to len bytes
 * into data, fewer only at the end of the file. 0 or the length, or -1. */
int store_file_write(int fd, const void *data, size_t len);
ssize_t store_file_fill(int fd, void *data, size_t len);

#endif
