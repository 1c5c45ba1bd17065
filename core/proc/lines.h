/* SPDX-License-Identifier: ISC */
/*
 * lines: a stream of bytes cut into lines, as they come. Pure; a peer that
 * never sends a newline makes us keep max bytes and no more.
 */
#ifndef POSTERN_LINES_H
#define POSTERN_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct lines {
	struct buf part;	/* the beginning of an unfinished line */
	bool cut;		/* more than part.max came */
};

/* line: NUL-terminated, no newline, borrowed for the call. false: the rest
 * is not wanted. Must not clear the struct lines that it is called from. */
typedef bool lines_fn(void *arg, const char *line, size_t len, bool cut);

void lines_init(struct lines *l, size_t max);
void lines_clear(struct lines *l);
/* lines_feed(): n bytes at p (borrowed; newlines are overwritten with NUL).
 * Returns how many were used: n, or fewer when fn returned false. */
size_t lines_feed(struct lines *l, char *p, size_t n, lines_fn *fn,
	void *arg);
/* lines_end(): hand over what is unfinished, if anything. */
void lines_end(struct lines *l, lines_fn *fn, void *arg);

#endif
