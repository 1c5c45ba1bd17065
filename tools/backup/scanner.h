/* SPDX-License-Identifier: ISC */
/*
 * scanner: the client's part of knowing what has changed: it keeps the file of
 * what a run saw (seen.h), and has postern-backup-send look (scan.h) before a
 * run that can go by it, or after the transfer of one that could not.
 *
 *	scanner_new → scanner_since: NULL: nothing is known.
 *	  the store goes by it:   on_over → scanner_changes
 *	  else:                   the transfer → scanner_late → on_over
 *	→ a snapshot was made: scanner_keep → scanner_free
 *
 * The file is CACHE/NAME.HASH, NAME the job's, HASH of its destination and
 * key, which say whose backups these are, with
 * CACHE /var/cache/postern/backup for root, else $XDG_CACHE_HOME or
 * $HOME/.cache, and /postern/backup. Where there is no such folder, or files
 * can't be made in it, nothing is ever known; that is no failure. Where there
 * is no room in it, that is said, once a run.
 */
#ifndef BACKUP_SCANNER_H
#define BACKUP_SCANNER_H

#include "changes.h"
#include "proc/loop.h"
#include "settings.h"

struct scanner;

/* scanner_new(): j is borrowed for its life. on_over: a look has ended, well
 * or not. Returns owned, or NULL: ERR_MEM. */
struct scanner *scanner_new(struct loop *l, const struct settings_job *j,
	void (*on_over)(void *arg), void *arg, struct err *e);
void scanner_free(struct scanner *s);		/* NULL is legal */

/* scanner_first(): begin to look for what is other than in the last snapshot;
 * no-op when that is not known. When it can't, it has failed at once. */
void scanner_first(struct scanner *s);
/* scanner_since(): which snapshot that is; NULL: not known. Borrowed. */
const char *scanner_since(const struct scanner *s);
/* scanner_drop(): it is not to be gone by. */
void scanner_drop(struct scanner *s);
/* scanner_busy(): on_over is to come. */
bool scanner_busy(const struct scanner *s);
/* scanner_changes(): the text (changes.h), borrowed, once it is over; NULL: it
 * failed, or too much has changed. */
const struct buf *scanner_changes(const struct scanner *s);
/* scanner_sums(): of what it saw in all. Borrowed. */
const struct changes_sums *scanner_sums(const struct scanner *s);

/* scanner_begun(): all is about to be read: what changes from now on is in
 * doubt, and no look before counts. scanner_late(): it was read; look now.
 * on_over comes only if scanner_busy() then. */
void scanner_begun(struct scanner *s);
void scanner_late(struct scanner *s);

/* scanner_keep(): what was seen is what snapshot has; partial: but for some
 * of what was sent: after a late look nothing is kept then. Nor is it where
 * the clock was set, or a root or what is mounted below one is not what it was
 * (steady.h). What goes wrong is said in the log. */
void scanner_keep(struct scanner *s, const char *snapshot, bool partial);

/* scanner_list(): a file with what rsync is to send, written: of the changes,
 * which are not NULL. 0, or -1: there is none. scanner_list_path(): its
 * path. scanner_own(): CACHE, to be left out of the backup, or NULL. */
int scanner_list(struct scanner *s);
const char *scanner_list_path(const struct scanner *s);
const char *scanner_own(const struct scanner *s);

#endif
