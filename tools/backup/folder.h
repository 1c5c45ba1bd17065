/* SPDX-License-Identifier: ISC */
/*
 * folder: what is in a folder of a snapshot, as rows (rows.h), sorted by name
 * byte by byte. No symbolic link is followed and nothing above the snapshot
 * is reached, whatever lies in it (openat2(2): RESOLVE_BENEATH,
 * RESOLVE_NO_SYMLINKS). The snapshot is held meanwhile. Metadata is what was
 * backed up, also where the store could not give it to the file.
 *
 *	folder_open → folder_rows until it returns 0 → folder_close
 */
#ifndef BACKUP_FOLDER_H
#define BACKUP_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "store.h"

#define FOLDER_MAX	100000	/* entries; what is beyond is not listed */

struct folder {
	int hold, fd;
	struct strv names;
	size_t at;		/* the next one */
	bool cut;		/* there are more than FOLDER_MAX */
};

/*
 * folder_open(): path: plain (plain.h), within the snapshot; of what is no
 * folder, it alone is listed. 0 with *ret filled (folder_close()), or -1: as
 * store_hold_take(), ERR_REFUSED (no such path, or a link on the way),
 * ERR_SYS, ERR_MEM.
 */
int folder_open(const struct store_client *c, const char *snapshot,
	const char *path, struct folder *ret, struct err *e);
void folder_close(struct folder *f);

/* folder_rows(): rows appended to out until its cap is reached. 1: there are
 * more; 0: these were the last. */
int folder_rows(struct folder *f, struct buf *out);

#endif
