/* SPDX-License-Identifier: ISC */
/*
 * screen: a terminal for tests. It understands just what progress may send:
 * printable UTF-8 (columns by wcwidth), CR, LF, cursor up, erase line, erase
 * below, colours, automatic wrap on and off. Anything else fails the test.
 */
#ifndef POSTERN_TEST_SCREEN_H
#define POSTERN_TEST_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#define SCREEN_ROWS 64
#define SCREEN_COLS 256

struct screen {
	unsigned rows, cols, row, col;
	bool nowrap, coloured;
	unsigned scrolled;		/* lines that left at the top */
	char cell[SCREEN_ROWS][SCREEN_COLS][8];
	char line[SCREEN_COLS * 8];	/* what screen_line() returns */
};

void screen_init(struct screen *s, unsigned rows, unsigned cols);
/* screen_resize(): like xterm: lines are cut, the last rows stay. */
void screen_resize(struct screen *s, unsigned rows, unsigned cols);
/* screen_feed(): bytes that came from the pty. */
void screen_feed(struct screen *s, const char *data, size_t len);
/* screen_line(): a row's text without trailing blanks. */
const char *screen_line(struct screen *s, unsigned row);
/* screen_used(): rows up to the last that has text. */
unsigned screen_used(struct screen *s);

#endif
