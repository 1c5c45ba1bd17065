/* SPDX-License-Identifier: ISC */
/*
 * rowtext: what rows.h and hits.h have in common: records of proc/msgtext.h
 * lines, written whole or not at all, and read place by place. Pure.
 */
#ifndef BACKUP_ROWTEXT_H
#define BACKUP_ROWTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* rowtext_num(), rowtext_yes(): a line, none for 0 and false. 0, or -1: out's
 * cap is reached. */
int rowtext_num(struct buf *out, const char *key, uint64_t n);
int rowtext_yes(struct buf *out, const char *key, bool on);

/* rowtext_end(): a record that began at start: rc if that is 0; otherwise -1,
 * and nothing of it is in out. */
int rowtext_end(struct buf *out, size_t start, int rc);

enum rowtext_kind {
	ROWTEXT_NUM64, ROWTEXT_NUM32,
	ROWTEXT_MODE,			/* uint32_t; 07777 at most, or-ed */
	ROWTEXT_YES,			/* bool */
	ROWTEXT_TEXT,			/* char *, owned */
	ROWTEXT_SNAPSHOT,		/* the same, a snapshot's name */
};

struct rowtext_place {
	const char *key;
	int of;				/* kind of record; 0: of any */
	enum rowtext_kind kind;
	size_t at;			/* in the record */
};

/*
 * rowtext_set(): a line of a record of the kind of into its place among n (32
 * at most); *seen, 0 for a new record, has those that came. A key without a
 * place is passed over. 0, or -1: ERR_PEER (twice, or no such value), ERR_MEM.
 */
int rowtext_set(const struct rowtext_place *places, size_t n, int of,
	unsigned *seen, void *record, const char *key, const char *value,
	struct err *e);

#endif
