/* SPDX-License-Identifier: ISC */
/*
 * muxmsg: what a session and an ssh master say to each other over the
 * master's socket, as `ssh -S` would: a greeting with the version, a request
 * for a session, then its end. A message is a length of 32 bits, a type of 32
 * bits, and what belongs to it; numbers are big-endian, strings have a length
 * of 32 bits before them. Pure.
 *
 * Source: OpenSSH, PROTOCOL.mux, version 4 (since 5.6).
 */
#ifndef GIT_MUXMSG_H
#define GIT_MUXMSG_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define MUXMSG_MAX	8192	/* bytes of a message with its length */

enum muxmsg_kind {
	MUXMSG_MORE,		/* it has not come whole */
	MUXMSG_HELLO,		/* of version 4: no other is taken */
	MUXMSG_OPENED,		/* the session stands */
	MUXMSG_REFUSED,		/* there will be none */
	MUXMSG_EXIT,		/* it has ended, with a status */
	MUXMSG_OTHER		/* nothing for us */
};

struct muxmsg {
	enum muxmsg_kind kind;
	size_t len;		/* bytes that it takes; 0: MORE */
	uint32_t status;	/* of an EXIT */
};

/* muxmsg_hello(): our greeting, appended to out. 0, or -1 ERR_MEM. */
int muxmsg_hello(struct buf *out, struct err *e);

/*
 * muxmsg_open(): the request for command, without a terminal, forwards or
 * environment, appended to out. The three descriptors follow, each with a
 * byte of its own. 0, or -1: ERR_MEM (or longer than MUXMSG_MAX).
 */
int muxmsg_open(const char *command, struct buf *out, struct err *e);

/* muxmsg_next(): the first message of len bytes. 0, or -1 ERR_PEER: too long,
 * too short for what it is, another version. */
int muxmsg_next(const void *data, size_t len, struct muxmsg *ret,
	struct err *e);

#endif
