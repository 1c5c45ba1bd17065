/* SPDX-License-Identifier: ISC */
/*
 * esc: text from a peer, made safe for a terminal, a log or a JSON string.
 *
 * esc_text(): append in to out; valid printable UTF-8 stays, everything
 * else (C0, DEL, C1, invalid bytes, and the bidirectional and zero-width
 * formatting characters that can reorder a line) becomes \xNN per byte;
 * a backslash becomes \\ so that the result is unambiguous.
 * esc_again(): the same for text of which parts are escaped already, such as
 * an error that quotes a peer: a backslash stays one, so that no escape is
 * escaped once more. Twice is once.
 * esc_json(): append in as the inside of a JSON string (no quotes): RFC 8259
 * escapes; invalid UTF-8 becomes U+FFFD.
 * esc_sh(): append in as one POSIX shell word; single-quoted unless it is
 * made of [A-Za-z0-9_@%+=:,./-] only and not empty. A NUL can't be written.
 * All: 0, or -1 when out's cap is reached (nothing appended).
 */
#ifndef POSTERN_ESC_H
#define POSTERN_ESC_H

#include <stddef.h>

#include "base/buf.h"

int esc_text(struct buf *out, const char *in, size_t len);
int esc_again(struct buf *out, const char *in, size_t len);
int esc_json(struct buf *out, const char *in, size_t len);
int esc_sh(struct buf *out, const char *in);

#endif
