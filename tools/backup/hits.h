/* SPDX-License-Identifier: ISC */
/*
 * hits: what the store answers to `find` and `verify`, in MSG_DATA frames, as
 * rows.h has it: text of proc/msgtext.h, whole records only. Pure. A record
 * begins with its first key; numbers that are 0 are left out.
 *
 *	file PATH			find: a state of a path
 *	  cut yes			only the beginning of the path
 *	  mode N uid N gid N		as backed up; mode is decimal, with kind
 *	  size N time N			bytes; ns since 1970
 *	  before yes			time is before 1970
 *	  first NAME last NAME		the snapshots that have it so
 *	found PATH			verify: something that is wrong
 *	  cut yes
 *	  kind rot|altered|missing|added|unreadable
 *	  snapshot NAME
 *	  what WORD			what differs; several
 *	  why TEXT			of unreadable
 *
 * Unknown keys are passed over, so that a later store may say more.
 */
#ifndef BACKUP_HITS_H
#define BACKUP_HITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "verify.h"

/* A record of either kind fits into so many bytes. */
#define HITS_RECORD_MAX	36864u
#define HITS_PATH_MAX	4000u	/* bytes of a path that always fit */

/* Texts are borrowed. */
struct hits_file {
	const char *path, *first, *last;
	bool cut;
	uint32_t mode, uid, gid;
	uint64_t size;
	int64_t mtime_ns;
};

struct hits_found {
	enum verify_kind kind;
	const char *path, *snapshot, *why;	/* why: "" for none */
	bool cut;
	unsigned what;			/* CATALOG_… */
};

/* hits_add_file(), hits_add_found(): a record, appended; a path that is too
 * long for a line is cut. 0, or -1: out's cap is reached; nothing was
 * appended. */
int hits_add_file(const struct hits_file *f, struct buf *out);
int hits_add_found(const struct hits_found *f, struct buf *out);

/* Each 0, or -1 with *e filled, which ends it. NULL: no such record can come
 * now. */
struct hits_calls {
	int (*file)(void *arg, const struct hits_file *f, struct err *e);
	int (*found)(void *arg, const struct hits_found *f, struct err *e);
};

/* hits_parse(): len bytes from a peer. 0, or -1: ERR_PEER (not that form),
 * ERR_MEM, or what a call set. */
int hits_parse(const char *text, size_t len, const struct hits_calls *calls,
	void *arg, struct err *e);

/* hits_kind(): "rot". hits_what(): the words of the bits, with sep between
 * them, appended: 0, or -1: out's cap is reached. */
const char *hits_kind(enum verify_kind kind);
int hits_what(unsigned what, const char *sep, struct buf *out);
/* hits_word(): the word of the i-th bit, NULL when there are no more. */
const char *hits_word(unsigned i);

#endif
