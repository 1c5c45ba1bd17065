/* SPDX-License-Identifier: ISC */
/*
 * keyreply: the one line by which the gateway answers a push of keys. It is
 * all that the git server takes from a gateway, as text and numbers, never as
 * anything that runs or is installed. Pure.
 *
 *	v1 WORD sequence=N keys=N skipped=N [WHY]
 *
 *	WORD	ok	these keys are in force
 *		same	they were in force already, and still are
 *		stale	newer ones are: sequence= is theirs
 *		refused	a rule says no; the old ones stay in force
 *		busy	another update is under way, try again
 *		failed	the gateway could not; the old ones stay in force
 *		now	no push, a question: what is in force
 *	sequence	of the keys that are in force now; 0: none, or unknown
 *	keys		that are in force now, of this push (ok, same), or at
 *			all (now)
 *	skipped		lines that were no keys, and keys that were others'
 *	WHY		for a person: printable ASCII, at most KEYREPLY_WHY
 *
 * Ends in LF, which is no part of it here.
 */
#ifndef GIT_KEYREPLY_H
#define GIT_KEYREPLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define KEYREPLY_WHY	512		/* bytes, with the NUL */
#define KEYREPLY_MAX	768		/* bytes of a line */

enum keyreply_what {
	KEYREPLY_OK = 1,
	KEYREPLY_SAME,
	KEYREPLY_STALE,
	KEYREPLY_REFUSED,
	KEYREPLY_BUSY,
	KEYREPLY_FAILED,
	KEYREPLY_NOW,
};

struct keyreply {
	enum keyreply_what what;
	uint64_t sequence;
	uint64_t keys, skipped;
	char why[KEYREPLY_WHY];		/* "": nothing to say */
};

/* keyreply_emit(): the line, without LF, appended; what is no printable
 * ASCII in why becomes '?'. 0, or -1 ERR_MEM. */
int keyreply_emit(const struct keyreply *r, struct buf *out, struct err *e);

/* keyreply_parse(): len bytes without LF. 0, or -1 ERR_PEER (shown escaped
 * and cut); *ret is untouched then. */
int keyreply_parse(const char *line, size_t len, struct keyreply *ret,
	struct err *e);

/* keyreply_word(): "ok", "stale", … Static. */
const char *keyreply_word(enum keyreply_what what);

#endif
