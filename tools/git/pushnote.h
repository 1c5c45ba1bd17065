/* SPDX-License-Identifier: ISC */
/*
 * pushnote: how the last push of keys ended, in a small file of the state
 * folder, for `status` of either side. The last one is the one with the highest
 * sequence, not the one that ended last: a push that hung while another one
 * came, went and was noted has older keys, and says nothing about those in
 * force. One line:
 *
 *	TIME SEQUENCE KEYS ok|WHY|- WHY
 *
 * "-": that push failed before it had a sequence; the numbers are those of the
 * last one that had.
 */
#ifndef GIT_PUSHNOTE_H
#define GIT_PUSHNOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define PUSHNOTE_FILE	"pushed"	/* in the state folder */

struct pushnote {
	uint64_t time_s;	/* when it ended, seconds since 1970; 0: none
				 * was noted yet */
	uint64_t sequence;	/* put: 0, it failed before it had one; read:
				 * then the highest that was noted before */
	uint64_t keys;		/* of that sequence */
	bool none;		/* read: it failed before it had one */
	bool ok;
	char why[ERR_MSG_MAX];	/* "ok", or why not, as it was said */
};

/* pushnote_read(): the one in the folder state; all is 0 where there is none,
 * or none that can be read. Follows no link: root reads it, too. */
void pushnote_read(const char *state, struct pushnote *ret);

/*
 * pushnote_put(): n is noted, unless a later one is. Later is what has a higher
 * sequence, as long as that was taken here: one above the sequence file's own
 * is from before that file was lost or set, and counts no more. A push without
 * a sequence is always noted, with the highest noted so far, so that it hides
 * none: what is older than that one stays so.
 * wait_ms  for push.lock, which is held shortly.
 * Returns 0, or -1 as pushstate_write(), and ERR_BUSY, ERR_CONFIG (state is too
 * long).
 */
int pushnote_put(const char *state, const struct pushnote *n,
	unsigned wait_ms, struct err *e);

#endif
