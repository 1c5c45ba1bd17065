/* SPDX-License-Identifier: ISC */
/*
 * answer: the last thing that a receiver's csync2 said in its protocol when
 * it was not content. csync2 tells that to nobody but its peer, and the
 * pushing csync2 keeps it to itself (unless -vvv, which prints the key).
 *
 * The answers are lines ("OK", "Permission denied!"), between them there may
 * be binary data: a line counts when it is short printable ASCII and begins
 * with a capital, but not with "OK". It is a peer's text: escape it. Pure.
 */
#ifndef POSTERN_ANSWER_H
#define POSTERN_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#define ANSWER_MAX 160

struct answer {			/* a zeroed one is ready */
	char line[ANSWER_MAX];	/* what has come of the current one */
	size_t len;
	bool skip;		/* the current one is no answer */
	char last[ANSWER_MAX];	/* "" when there was none */
};

void answer_feed(struct answer *a, const char *data, size_t len);

#endif
