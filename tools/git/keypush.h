/* SPDX-License-Identifier: ISC */
/*
 * keypush: the text by which the git server tells the gateway all keys. Pure.
 *
 *	-----BEGIN POSTERN GIT KEYS-----
 *	format 1
 *	server GITID		which server's keys these are
 *	sequence N		1 to 2^63-1; each push has a higher one
 *	count N			lines below
 *	sha256 HEX		of the lines below, with their line feeds
 *
 *	ID TYPE BASE64
 *	-----END POSTERN GIT KEYS-----
 *
 * Each line ends in LF. Nothing may follow. No id begins with '-', so that no
 * key's line can be taken for a mark. The reader works on pieces of any size
 * and keeps to limits whatever comes. A line whose id or key is bad is skipped
 * and reported, and counts as a line, so that the keys beside it come and
 * revoked ones go; all else that is not as above fails the whole push.
 *
 * A signature (ssh-keygen -Y sign) is no part of this: it is over exactly
 * these bytes, and goes in front of them (keysig.h), so that its reader need
 * not keep the text.
 *
 *	p = keypush_new(NULL, on_bad, arg, &e);
 *	while (bytes come)
 *		if (keypush_feed(p, data, len, &e) == -1) ...
 *	if (keypush_finish(p, &head, &keys, &e) == -1) ...
 *	keypush_free(p);
 */
#ifndef GIT_KEYPUSH_H
#define GIT_KEYPUSH_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "gitid.h"
#include "keylist.h"

#define KEYPUSH_BEGIN	"-----BEGIN POSTERN GIT KEYS-----"
#define KEYPUSH_END	"-----END POSTERN GIT KEYS-----"

struct keypush_limits {
	size_t bytes;		/* of the whole text */
	size_t lines;		/* of keys; at most KEYLIST_MAX */
};

/* Enough for KEYLIST_MAX keys of RSA with 4096 bits. */
#define KEYPUSH_BYTES	((size_t)192 << 20)

struct keypush_head {
	char server[GITID_MAX + 1];
	uint64_t sequence;
	size_t count;			/* lines */
	size_t bad;			/* of these were skipped */
	unsigned char sha256[32];
};

struct keypush;

/* A line that is skipped: its number in the text, from 1, and why (ERR_CONFIG;
 * escaped, with the id if that is one). */
typedef void keypush_bad_fn(void *arg, size_t line, const struct err *why);

/* keypush_emit(): keys as such a text, appended to out. 0, or -1: ERR_CONFIG
 * (a server or an id is not of gitid's grammar, sequence is 0 or too high),
 * ERR_MEM (also: out's cap is reached). */
int keypush_emit(const char *server, uint64_t sequence,
	const struct keylist *keys, struct buf *out, struct err *e);

/* keypush_new(): a reader. limits borrowed for the call; NULL: KEYPUSH_BYTES
 * and KEYLIST_MAX. on_bad may be NULL. Returns owned, or NULL: ERR_MEM. */
struct keypush *keypush_new(const struct keypush_limits *limits,
	keypush_bad_fn *on_bad, void *arg, struct err *e);

/* keypush_feed(): the next len bytes. 0, or -1: ERR_PEER (what is wrong,
 * with the line's number), ERR_MEM; then each further call fails the same. */
int keypush_feed(struct keypush *p, const char *data, size_t len,
	struct err *e);

/* keypush_finish(): no more comes. *ret_keys (empty before; the caller clears
 * it) gets the good keys in the order of the text, each with where = "line N".
 * 0, or -1 as keypush_feed(), with both results untouched. */
int keypush_finish(struct keypush *p, struct keypush_head *ret_head,
	struct keylist *ret_keys, struct err *e);

void keypush_free(struct keypush *p);	/* NULL is legal */

#endif
