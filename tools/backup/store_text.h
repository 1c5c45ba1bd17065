/* SPDX-License-Identifier: ISC */
/*
 * store_text: the words in the store's own text files. A value becomes one
 * word without white space: bytes below 0x21, 0x7f and '\' are \ooo (three
 * octal digits), all others stand for themselves. Pure.
 */
#ifndef POSTERN_STORE_TEXT_H
#define POSTERN_STORE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* store_text_esc(): append s as a word. 0, or -1 when out's cap is reached
 * (then it has a part of it). */
int store_text_esc(struct buf *out, const char *s);

/*
 * store_text_unesc(): append what the word of len bytes stands for. 0, or -1:
 * not such a word (a byte that should be escaped, half an escape, a NUL), or
 * the cap is reached.
 */
int store_text_unesc(struct buf *out, const char *word, size_t len);

/* store_text_num(): the word of len bytes as a decimal number. 0, or -1. */
int store_text_num(const char *word, size_t len, uint64_t *ret);

#endif
