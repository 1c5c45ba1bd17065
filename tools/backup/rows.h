/* SPDX-License-Identifier: ISC */
/*
 * rows: what the store answers to `list`, in MSG_DATA frames: text of
 * proc/msgtext.h, whole records only, at most MSG_MAX bytes a frame. Pure. A
 * record begins with its first key; numbers that are 0 and words that say
 * nothing are left out.
 *
 *	snapshot NAME			a snapshot, or
 *	  recorded yes			the store knows how it was made:
 *	  bytes N added N files N seconds N
 *	  partial yes			files vanished meanwhile
 *	  pinned yes, held yes
 *	entry NAME			an entry of a folder in one
 *	  kind file|folder|link|fifo|socket|char|block
 *	  mode N uid N gid N		as backed up; mode is decimal
 *	  size N time N			bytes; seconds since 1970
 *	  before yes			time is before 1970
 *	  link TARGET
 *
 * Unknown keys are passed over, so that a later store may say more.
 */
#ifndef BACKUP_ROWS_H
#define BACKUP_ROWS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "history.h"

struct rows_entry {
	const char *name, *link;	/* borrowed; link NULL: none */
	uint32_t mode, uid, gid;	/* mode: with S_IFMT */
	uint64_t size;
	int64_t time_s;
};

/* rows_add_snap(), rows_add_entry(): a record, appended. 0, or -1: out's cap
 * is reached, or a target is too long for a line; nothing was appended. */
int rows_add_snap(const struct history_snap *s, struct buf *out);
int rows_add_entry(const struct rows_entry *r, struct buf *out);

/* Each 0, or -1 with *e filled, which ends it; what they get is borrowed for
 * the call. NULL: such a record can't come now. */
struct rows_calls {
	int (*on_snap)(void *arg, const struct history_snap *s,
		struct err *e);
	int (*on_entry)(void *arg, const struct rows_entry *r,
		struct err *e);
};

/* rows_parse(): len bytes from a peer. 0, or -1: ERR_PEER (not that form),
 * ERR_MEM, or what a call set. */
int rows_parse(const char *text, size_t len, const struct rows_calls *calls,
	void *arg, struct err *e);

/* rows_kind(): "folder" for a mode. */
const char *rows_kind(uint32_t mode);

#endif
