/* SPDX-License-Identifier: ISC */
/*
 * gitword: a command line as git's clients write it, between bytes and words.
 * One grammar, narrower than a shell's, and no shell reads it:
 *
 *	line	1 to GITWORD_LINE_MAX bytes of 20..7e; words with one space
 *		between, none at its begin or end; at most GITWORD_MAX words
 *	word	bare: of A-Z a-z 0-9 - . _ @ / + : , % = only (what gitolite
 *		takes in its commands), or quoted as git does it: '...', where
 *		a quote and '!' stand outside as \' and \!
 *
 * ASCII alone: gitolite knows no other names of repositories and users, and a
 * line without other bytes needs no second thought in logs and on terminals.
 * Pure. Source: sq_quote_buf() in git's quote.c; REMOTE_COMMAND_PATT in
 * gitolite's Rc.pm. Seen: git 2.39 sends git-upload-pack 'a'\!'b' for a!b.
 */
#ifndef GIT_GITWORD_H
#define GIT_GITWORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#define GITWORD_LINE_MAX	3072	/* bytes */
#define GITWORD_MAX		64	/* words */

struct gitword {
	struct strv words;	/* without their quotes */
	uint64_t quoted;	/* bit i: word i had quotes */
};

/* gitword_split(): len bytes at line into *ret, which gitword_clear() frees;
 * untouched on failure. 0, or -1: ERR_REFUSED (why, escaped), ERR_MEM. */
int gitword_split(const char *line, size_t len, struct gitword *ret,
	struct err *e);

/* gitword_clear(): legal on a zeroed struct. */
void gitword_clear(struct gitword *w);

/* gitword_emit(): the line again, in git's own quoting, appended to out: what
 * gitword_split() makes the same words of. 0, or -1: out's cap is reached. */
int gitword_emit(const struct gitword *w, struct buf *out);

#endif
