/* SPDX-License-Identifier: ISC */
/*
 * msgtext: the text in the frames of proc/msg.h. Pure. A line is
 *
 *	KEY SP VALUE LF
 *
 * KEY is [a-z-]+, at most MSGTEXT_KEY_MAX bytes. VALUE may be empty and may be
 * any bytes but NUL, UTF-8 or not: those below 0x21, 0x7f and the backslash
 * stand as \ooo (three octal digits), all others as they are and never as
 * \ooo, so that there is one way to write each value. A line has at most
 * MSGTEXT_LINE_MAX bytes with its newline, and the last one has its newline.
 */
#ifndef POSTERN_MSGTEXT_H
#define POSTERN_MSGTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define MSGTEXT_KEY_MAX		32u
#define MSGTEXT_LINE_MAX	16384u

/* msgtext_add(): a line, appended. 0, or -1: out's cap or the line's is
 * reached, or key is none; nothing was appended. */
int msgtext_add(struct buf *out, const char *key, const char *value);
/* The same with a number. */
int msgtext_add_num(struct buf *out, const char *key, uint64_t value);

/* One line. key and value (len bytes, without a NUL inside): NUL-terminated,
 * borrowed for the call. Returns 0, or -1 with *e filled, which ends it. */
typedef int msgtext_fn(void *arg, const char *key, const char *value,
	size_t len, struct err *e);

/*
 * msgtext_parse(): each line of text (len bytes, borrowed) to fn, in order.
 * Returns 0, or -1: ERR_PEER (not that form; the message names the line by
 * its number), ERR_MEM, or what fn set.
 */
int msgtext_parse(const char *text, size_t len, msgtext_fn *fn, void *arg,
	struct err *e);

#endif
