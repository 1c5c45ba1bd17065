/* SPDX-License-Identifier: ISC */
/*
 * beneath: opening what somebody else could have put a symbolic link in the
 * way of. Linux resolves the path in one system call, openat2(2), so that
 * nothing can be swapped in between a look and the use of it.
 */
#ifndef POSTERN_BENEATH_H
#define POSTERN_BENEATH_H

#include <linux/openat2.h>

/*
 * beneath_open(): path, which is relative to the folder dirfd and cannot
 * leave it, with open(2)'s flags; O_CLOEXEC and O_NOFOLLOW are always set.
 * "" and leading '/' stand for dirfd itself. Of a symbolic link at the very
 * end O_PATH opens the link; anywhere else one is refused. more is 0 or
 * RESOLVE_NO_XDEV, which refuses mount points too.
 *
 * Where one call can't do it (a path above PATH_MAX; no such call, as under
 * valgrind or an old container's filter) it goes part by part, with the same
 * outcome but for "..", which is refused then even where it stays beneath.
 *
 * A descriptor, or -1 with errno: ELOOP (a link in the way), EXDEV (it would
 * leave dirfd, or the mount), and those of open(2).
 */
int beneath_open(int dirfd, const char *path, int flags, unsigned more);

/*
 * nolinks_open(): path, absolute or relative to the current folder, with no
 * symbolic link in any part of it (but of one at the very end O_PATH with
 * O_NOFOLLOW opens the link); O_CLOEXEC is always set. A descriptor, or
 * -1 with errno: ELOOP, and those of openat2(2); there is no other way where
 * the system call is not known.
 */
int nolinks_open(const char *path, int flags);

#endif
