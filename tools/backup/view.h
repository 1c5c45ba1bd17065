/* SPDX-License-Identifier: ISC */
/*
 * view: what of the file system a receiving rsync can name. Landlock leaves
 * chmod, chown, utime and setxattr alone, and rsync needs them: whoever had
 * taken it over could alter the metadata of all that its uid owns, other
 * clients' snapshots among it. In a mount namespace of its own with its
 * folder, rsync, libraries and our relay, and nothing else, there is no path to
 * anything else. The folder is seen without devices and set-user-ID: a device
 * that is restored there can't be opened.
 *
 * Root makes the namespace as it is. A plain user needs a user namespace in
 * which its own ids alone are known, so changing to another group of its own
 * fails there: for snapshots with --fake-super only, which change none.
 *
 * Source: mount_namespaces(7), user_namespaces(7), pivot_root(2),
 * mount_setattr(2); open_tree and move_mount (Linux 5.2).
 */
#ifndef POSTERN_BACKUP_VIEW_H
#define POSTERN_BACKUP_VIEW_H

#include <stdbool.h>

#include "base/err.h"

/*
 * view_enter(): dir becomes the working folder, and "/dir"; paths (absolute,
 * NULL-ended) stay where they are, those that do not exist are passed over;
 * all else is gone. users: a user namespace may be made for it. proc: with a
 * /proc of the processes that it may trace, which of one in a Landlock domain are
 * those of the domain: chmod(2) of what can't be opened goes by /proc/self/fd in
 * a libc before glibc 2.39. Where there can be none, there is none.
 * Returns 0; 1 when this system makes no such namespace for us, and nothing
 * has changed; or -1 ERR_SYS, and the process should end.
 */
int view_enter(const char *dir, const char *const *paths, bool users,
	bool proc, struct err *e);

#endif
