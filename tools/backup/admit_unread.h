/* SPDX-License-Identifier: ISC */
/*
 * admit_unread: what the gate of a one-time sshd (admit.c) hears of the rsync
 * that it runs: rsync says on stderr what it could not open, and all of it is
 * passed on to the other side, as long as that reads it. Files that came too
 * late for the kernel's grants (unread.h) are left behind in DIR/unread, for
 * `postern backup run` to name.
 *
 *	admit_unread_open → admit_unread_read() whenever fd is readable →
 *	admit_unread_judge() → admit_unread_clear()
 */
#ifndef BACKUP_ADMIT_UNREAD_H
#define BACKUP_ADMIT_UNREAD_H

#include "proc/lines.h"
#include "unread.h"

struct admit_unread {
	int fd;			/* to read from; -1: nothing more comes */
	struct lines lines;
	struct unread unread;
	bool in_place;		/* onename.h; set by the owner */
};

/* admit_unread_open(): *ret_end: what is to be rsync's stderr, owned by the
 * caller. Our own stderr waits for nobody from here on. 0, or -1 ERR_SYS. */
int admit_unread_open(struct admit_unread *u, int *ret_end, struct err *e);
void admit_unread_clear(struct admit_unread *u);

/* admit_unread_read(): what has come. */
void admit_unread_read(struct admit_unread *u);

/*
 * admit_unread_judge(): rc, or UNREAD_VANISHED when it is UNREAD_PARTIAL for
 * late files alone: by the word of postern-backup-send --readable, which is
 * given 10 s, and none is what DIR's grants hide: that was asked for. leash:
 * it ends at once when that is readable.
 */
int admit_unread_judge(struct admit_unread *u, const char *dir, int leash,
	int rc);

#endif
