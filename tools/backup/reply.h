/* SPDX-License-Identifier: ISC */
/*
 * reply: what the store says back: the answer to a request (MSG_ANSWER), how
 * far it has come (MSG_PROGRESS), what came of it (MSG_RESULT). Pure. One
 * text for all three, in the form of proc/msgtext.h; each key at most once:
 *
 *	status N	exit status: 0, 1, 2, 75; an answer other than 0 is
 *			the last word
 *	why TEXT	when it isn't 0
 *	snapshot NAME	that was made, or that is read
 *	basis NAME	that it was built upon
 *	since yes	it goes by what the client tells of changes
 *	resumed yes	it goes on from where a broken run stopped
 *	phase WORD	what is being done: space, transfer, sync, manifest, …
 *	percent N	of it
 *	files N bytes N added N seconds N rate N
 *	vanished N	files that are not in it, since they were gone, or came
 *			too late
 *	changed N	that changed while they were read
 *	total N		bytes that there will be
 *	read N found N	of verify: files read, files that are wrong
 *
 * Unknown keys are passed over, so that a later store may say more.
 */
#ifndef BACKUP_REPLY_H
#define BACKUP_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "snapname.h"

#define REPLY_WHY	1024	/* bytes, with the NUL */
#define REPLY_WORD	32

struct reply {
	uint64_t status, percent, files, bytes, added, seconds, vanished,
		changed,
		rate,		/* bytes a second */
		total, read, found;
	bool resumed, since;
	char snapshot[SNAPNAME_MAX + 1], basis[SNAPNAME_MAX + 1];
	char phase[REPLY_WORD];
	char why[REPLY_WHY];	/* escaped by reply_parse() */
};

/* reply_emit(): what isn't 0 or empty, and always the status, appended to
 * out. 0, or -1 ERR_MEM. */
int reply_emit(const struct reply *r, struct buf *out, struct err *e);

/* reply_parse(): len bytes from a peer. 0 with *ret filled, or -1: ERR_PEER,
 * ERR_MEM. */
int reply_parse(const char *text, size_t len, struct reply *ret,
	struct err *e);

#endif
