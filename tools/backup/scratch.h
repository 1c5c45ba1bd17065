/* SPDX-License-Identifier: ISC */
/*
 * scratch: a private folder (0700) for the files of one run, named
 * "postern-backup.PID.RANDOM". What a run that was killed has left goes with
 * the next one, if it lies where that one's is, or in /run/user/UID, /run or
 * /tmp: folders of our uid whose process is gone.
 */
#ifndef BACKUP_SCRATCH_H
#define BACKUP_SCRATCH_H

#include "base/buf.h"
#include "base/err.h"

/* scratch_base(): where they lie that need not last: $XDG_RUNTIME_DIR, /run
 * or /tmp. Borrowed. */
const char *scratch_base(void);

/* scratch_make(): below base, which exists. Returns its path, owned, or NULL:
 * ERR_SYS, ERR_MEM. */
char *scratch_make(const char *base, struct err *e);

/* scratch_put(): a file of it, 0600, which need not outlast a crash. 0, or -1
 * ERR_SYS. scratch_get(): one, whatever bytes it has, appended to out. 0, or -1
 * ERR_SYS, ERR_MEM (out's cap). */
int scratch_put(const char *path, const char *data, size_t len,
	struct err *e);
int scratch_get(const char *path, struct buf *out, struct err *e);

/* scratch_remove(): its files, itself, and dir, which is freed. NULL is
 * legal. */
void scratch_remove(char *dir);

#endif
