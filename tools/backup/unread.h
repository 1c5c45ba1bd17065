/* SPDX-License-Identifier: ISC */
/*
 * unread: the files that vanished, that changed while they were read, or that
 * the half that reads was not let open, out of what rsync says on stderr, at
 * either end. Pure.
 *
 * Beside a literal exclude the kernel lets through what was there when the
 * run began (expand.h). A file that appears there later, or takes another
 * one's place, is in rsync's list and can't be opened; rsync's status is 23
 * then, as after any other failure. Who started it asks the jail's program
 * whether it could have read them (source_could_read()): then they came too
 * late, which is like a file that vanished (24): named, and left to the next
 * run. Where rsync goes by a list of ours, it has a 23 for what vanished, too.
 * A file that became shorter while it was read ends with 23 as well; what had
 * come is thrown away, and rsync reads it once more in the end. It counts as
 * changed, also when the second time went no better.
 * Whatever else rsync complains about stays a failure: a line that is
 * not known here is one, at either end.
 */
#ifndef BACKUP_UNREAD_H
#define BACKUP_UNREAD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#define UNREAD_PARTIAL	23	/* rsync's: some files were not copied */
#define UNREAD_VANISHED	24	/* rsync's: some were gone */
#define UNREAD_MAX	1000	/* files that could not be opened; with more it
				 * is a failure. Of others: so many are named */

struct unread {
	struct strv files;	/* absolute paths, byte by byte */
	bool listed;		/* rsync sends what a list of ours names: a
				 * name that is not there is one that vanished
				 * since; set by the owner */
	struct strv vanished;	/* names as rsync has them, in its order */
	struct strv changed;	/* likewise; each once */
	struct strv again;	/* of those, what came short a second time */
	size_t n_vanished;	/* of all, named here or not */
	size_t n_changed, n_again;
	bool strange;		/* rsync told of something else */
};

/* unread_clear(): legal on a zeroed struct, which is an empty one. */
void unread_clear(struct unread *u);

/* unread_rsyncs(): whether a line is rsync's, where others speak as well: ssh
 * prints the Banner of a host's sshd, a login's shell what it likes. */
bool unread_rsyncs(const char *line);

/* unread_line(): a line of rsync's stderr; cut: its end is missing. */
void unread_line(struct unread *u, const char *line, bool cut);

/*
 * unread_complaint(): whether a line of the stderr of the half that writes
 * tells of what that half could not do. What the other one could not is for
 * the other's status to say.
 */
bool unread_complaint(const char *line);

/* unread_unverified(): whether such a line tells of a file that came twice,
 * and neither time as it was read: it changed meanwhile. Its name, relative as
 * rsync has it, is put into name. */
bool unread_unverified(const char *line, char name[PATH_MAX]);

/* unread_only(): whether there were files that could not be opened, vanished
 * or changed, and nothing else. For the end that reads: its rsync may tell no
 * other one. */
bool unread_only(const struct unread *u);
/* unread_left(): how many are not in the snapshot, all being well. */
size_t unread_left(const struct unread *u);

/* unread_grants(): the files as grants.h has them, appended.
 * 0, or -1 ERR_MEM, ERR_CONFIG (a path that is not plain). */
int unread_grants(const struct unread *u, struct buf *out, struct err *e);

/* unread_emit(): all but the flags and .again as text, appended. 0, or
 * -1 ERR_MEM. unread_parse(): that again, from a program of ours. 0 with *u
 * filled (unread_clear()), or -1: ERR_MEM, ERR_PEER, ERR_CONFIG. */
int unread_emit(const struct unread *u, struct buf *out, struct err *e);
int unread_parse(const char *text, size_t len, struct unread *u,
	struct err *e);

#endif
