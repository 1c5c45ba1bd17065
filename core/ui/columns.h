/* SPDX-License-Identifier: ISC */
/*
 * columns: text that has been through esc_text(), cut and padded by the
 * columns that it takes on a terminal. Under a UTF-8 locale (setlocale(3),
 * LC_CTYPE, is the program's to call) wcwidth(3) counts them; otherwise, and
 * for what the locale doesn't know, each byte past ASCII is written as \xNN.
 */
#ifndef POSTERN_COLUMNS_H
#define POSTERN_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct columns {
	struct buf *out;	/* borrowed */
	size_t left;		/* columns that the line still has */
	size_t used;		/* columns that the line has used */
	bool utf8;
};

/* columns_add(): as much of text as fits into max columns and the line. */
void columns_add(struct columns *c, const char *text, size_t max);
/* columns_pad(): blanks until the line has used column columns. */
void columns_pad(struct columns *c, size_t column);
/* columns_of(): the columns that text takes. */
size_t columns_of(const char *text, bool utf8);

#endif
