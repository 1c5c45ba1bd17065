/* SPDX-License-Identifier: ISC */
/*
 * emit: JSON, one object a line (RFC 8259), to a stdio stream. Keys are
 * ours and plain ASCII; string values are escaped. Nesting: objects and
 * arrays, as deep as 8. A line is flushed when its outermost object ends, so
 * a reader sees whole lines only. A line that would not be JSON (a key in an
 * array, none in an object, too deep) or that is too long is not written:
 * emit_end() fails instead. Every emit_begin() needs its emit_end().
 *
 *	emit_begin(&j); emit_str(&j, "host", h); emit_bool(&j, "slave", 1);
 *	if (emit_end(&j, stdout) == -1) …
 */
#ifndef POSTERN_EMIT_H
#define POSTERN_EMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

#define EMIT_DEPTH 8

struct emit {
	struct buf b;
	unsigned depth;
	bool comma[EMIT_DEPTH];		/* the next value needs one */
	char close[EMIT_DEPTH];		/* '}' or ']' */
	bool failed;
};

void emit_begin(struct emit *j);		/* { of a new line */
/* val NULL: null */
void emit_str(struct emit *j, const char *key, const char *val);
void emit_strn(struct emit *j, const char *key, const char *val, size_t len);
void emit_num(struct emit *j, const char *key, int64_t val);
void emit_bool(struct emit *j, const char *key, bool val);
void emit_arr(struct emit *j, const char *key);	/* "key":[ */
/* "key":{ ; key NULL in an array */
void emit_obj(struct emit *j, const char *key);
/* a string in an array */
void emit_item(struct emit *j, const char *val);
void emit_close(struct emit *j);		/* the innermost ] or } */
/* emit_end(): every ] and } that is still open, newline, written and
 * flushed. 0, or -1 when out of memory, the line is void or the stream
 * failed. Clears j. */
int emit_end(struct emit *j, FILE *out);

#endif
