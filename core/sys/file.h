/* SPDX-License-Identifier: ISC */
/*
 * file: whole files that matter. Reads are bounded, writes are atomic: a
 * temporary file beside the target, written, fsync, read back and compared,
 * rename, fsync of the folder. A crash at any point leaves the old file or
 * the new one.
 */
#ifndef POSTERN_FILE_H
#define POSTERN_FILE_H

/* With core/ on the search path, this is what <sys/file.h> finds: whoever
 * means libc's (flock(2)) gets it too. */
#include_next <sys/file.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * file_read(): the regular file at path, appended to out (initialised by
 * the caller; its cap bounds the size). Follows symlinks. 0, or -1: ERR_SYS,
 * ERR_CONFIG (not a regular file, larger than the cap, or has a NUL byte),
 * ERR_MEM; then out is as it was.
 */
int file_read(const char *path, struct buf *out, struct err *e);

/*
 * file_read_own(): the same for a file whose words are acted upon: it must be
 * root's or our own, and not writable by group or others. As file_read(), and
 * ERR_UNSAFE. Checked and read through one descriptor.
 */
int file_read_own(const char *path, struct buf *out, struct err *e);

/*
 * file_read_below(): the same for a file in another user's folder: rest is a
 * path below dir ("mux/status"), and no part of it is a symbolic link, nor is
 * dir itself. As file_read(), and ERR_UNSAFE (a symbolic link).
 * Source: beneath.h.
 */
int file_read_below(const char *dir, const char *rest, struct buf *out,
	struct err *e);

/*
 * file_write(): replace path atomically with len bytes of data, mode and
 * the caller's own uid. backup, when not NULL, is a path that the old
 * content is linked to first (replacing an older backup). 0, or -1 ERR_SYS
 * or ERR_UNSAFE (path is a symlink or not a regular file); then path is as
 * it was and no temporary file is left (ERR_SYS of the folder's fsync, which
 * comes last, excepted: the message says that path was written).
 */
int file_write(const char *path, const void *data, size_t len, mode_t mode,
	const char *backup, struct err *e);

/*
 * file_mkdirs(): make path and its missing parents, mode 0755 (the last one
 * mode), whatever the umask; what exists is left as it is. 0, or -1 ERR_SYS,
 * ERR_UNSAFE (a part is not a folder).
 */
int file_mkdirs(const char *path, mode_t mode, struct err *e);

/*
 * file_root_only(): whether path and every folder above it can be changed by
 * root alone: no symlink in the way, owner uid 0, not writable by group or
 * others (a sticky folder that is not path's own parent does not count).
 * path must be absolute, without "..".
 * 0, or -1: ERR_UNSAFE with the first offending part, ERR_SYS.
 */
int file_root_only(const char *path, struct err *e);

#endif
