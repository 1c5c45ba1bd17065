/* SPDX-License-Identifier: ISC */
/*
 * allow: what a client may ask of the store. Pure. The store's owner says it
 * in the client's line of authorized_keys (receive --allow run,list,…):
 *
 *	run       run
 *	list      list, find
 *	restore   restore, cat
 *	verify    verify
 *
 * The client's command (SSH_ORIGINAL_COMMAND) is nothing, or one word: the
 * operation that it will ask for, which must be allowed. It serves whoever
 * reads the log; what counts is the request, asked with allow_has().
 */
#ifndef POSTERN_ALLOW_H
#define POSTERN_ALLOW_H

#include <stdbool.h>

#include "base/err.h"
#include "request.h"

/* allow_parse(): words with a comma between, each once; *ret is a set for
 * allow_has(). 0, or -1 ERR_USAGE. */
int allow_parse(const char *list, unsigned *ret, struct err *e);

bool allow_has(unsigned allowed, enum request_op op);

/* allow_check(): 0, or -1 ERR_REFUSED naming op and who can change it. */
int allow_check(unsigned allowed, enum request_op op, struct err *e);

/*
 * allow_command(): command is borrowed; NULL or "": nothing was asked for.
 * Returns 0 with *ret_op set (0: nothing), or -1 ERR_REFUSED; the message is
 * printable whatever command is.
 */
int allow_command(const char *command, unsigned allowed,
	enum request_op *ret_op, struct err *e);

#endif
