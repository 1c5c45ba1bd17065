/* SPDX-License-Identifier: ISC */
/*
 * allow: what the owner of a store lets one client ask for. Pure. As text a
 * list of words, "run,list"; it stands in the forced command, where the
 * client can't change it. What each request needs is a table here, so that
 * `receive` and `explain` say the same.
 */
#ifndef BACKUP_ALLOW_H
#define BACKUP_ALLOW_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "request.h"

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
/* allow_has(): no operation is allowed without its bit. */
bool allow_has(unsigned bits, enum request_op op);
/* allow_check(): 0, or -1 ERR_REFUSED naming op and who can change it. */
int allow_check(unsigned bits, enum request_op op, struct err *e);

/*
 * allow_command(): what the client's command (SSH_ORIGINAL_COMMAND) asks for:
 * nothing (NULL, ""), or one operation, which must be allowed. It serves
 * whoever reads sshd's log; what counts is the request, asked with
 * allow_check().
 * Returns 0 with *ret_op set (0: nothing), or -1 ERR_REFUSED; the message is
 * printable whatever command is.
 */
int allow_command(const char *command, unsigned bits,
	enum request_op *ret_op, struct err *e);

#endif
