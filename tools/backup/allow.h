/* SPDX-License-Identifier: ISC */
/*
 * allow: what the owner of a store lets one client ask for. Pure. As text a
 * list of words, "run,list"; it stands in the forced command, where the
 * client can't change it. What each request needs is a table here, so that
 * `receive` and `explain` say the same.
 */
#ifndef BACKUP_ALLOW_H
#define BACKUP_ALLOW_H

#include "base/buf.h"
#include "base/err.h"

enum {
	ALLOW_RUN = 1,		/* make a snapshot */
	ALLOW_LIST = 2,		/* list its own, find names in them */
	ALLOW_RESTORE = 4,	/* read files out of its own */
	ALLOW_VERIFY = 8,	/* have its own compared with the catalogue */
};

/* allow_parse(): "run,list" into bits. No blanks, no word twice, not empty.
 * 0, or -1 ERR_USAGE. */
int allow_parse(const char *text, unsigned *ret, struct err *e);
/* allow_emit(): always in the order of the table. 0, or -1 ERR_MEM. */
int allow_emit(unsigned bits, struct buf *out, struct err *e);
/* allow_for(): the bit that request op ("run", "cat") needs; 0: there is no
 * such request. */
unsigned allow_for(const char *op);

#endif
