/* SPDX-License-Identifier: ISC */
/*
 * mounts: what is mounted below the roots of a job. With one-file-system rsync
 * sends the folder there and nothing of it, and a receiver's rsync leaves such
 * a folder as it is: what it had in the last snapshot, before something was
 * mounted there or one-file-system was set, would stay for ever where a
 * snapshot begins as a copy of the last one. So the store is told, and empties
 * them before the transfer. What is named in vain only comes anew.
 */
#ifndef BACKUP_MOUNTS_H
#define BACKUP_MOUNTS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "exclude.h"

#define MOUNTS_TEXT	((size_t)1 << 24)

#define MOUNTS_MAX	16384	/* bytes of a request: of all, the shortest
				 * paths, as containers' are long and new */

/*
 * mounts_below(): of text (len bytes, as /proc/self/mountinfo has it) the
 * mount points strictly below a root, but for those that a root is or lies in
 * and those below another one; appended to ret, the shortest first. A line
 * that can't be read is passed over. Pure. 0, or -1: ERR_MEM.
 * Source: proc(5).
 */
int mounts_below(const char *text, size_t len, const struct strv *roots,
	struct strv *ret, struct err *e);

/*
 * mounts_touching(): of text the lines whose mount point is a root, or has one
 * in it, or lies below one and x does not leave it out there, with all that it
 * has; as they are, appended to ret. When they are the same at two moments,
 * the roots lead to the same file systems. Pure. 0, or -1: ERR_MEM.
 */
int mounts_touching(const char *text, size_t len, const struct strv *roots,
	const struct exclude *x, struct buf *ret, struct err *e);

/* mounts_text(): this machine's, as we see it, appended to ret, whose cap is
 * to be MOUNTS_TEXT. mounts_read(): mounts_below() of it. Each 0, or -1:
 * ERR_SYS, ERR_CONFIG (more than the cap), ERR_MEM. */
int mounts_text(struct buf *ret, struct err *e);
int mounts_read(const struct strv *roots, struct strv *ret, struct err *e);

#endif
