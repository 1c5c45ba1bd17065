/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include "screen.h"

static void
blank_row(struct screen *s, unsigned row)
{
	unsigned i;

	for (i = 0; i < SCREEN_COLS; i++)
		memcpy(s->cell[row][i], " ", 2);
}

void
screen_init(struct screen *s, unsigned rows, unsigned cols)
{
	unsigned i;

	assert_in_range(rows, 1, SCREEN_ROWS);
	assert_in_range(cols, 1, SCREEN_COLS);
	memset(s, 0, sizeof(*s));
	s->rows = rows;
	s->cols = cols;
	for (i = 0; i < SCREEN_ROWS; i++)
		blank_row(s, i);
}

static void
scroll(struct screen *s)
{
	memmove(s->cell[0], s->cell[1], sizeof(s->cell[0]) * (SCREEN_ROWS - 1));
	blank_row(s, SCREEN_ROWS - 1);
	s->scrolled++;
}

void
screen_resize(struct screen *s, unsigned rows, unsigned cols)
{
	unsigned i, j;

	while (s->row >= rows) {
		scroll(s);
		s->row--;
	}
	for (i = 0; i < SCREEN_ROWS; i++)
		for (j = cols; j < SCREEN_COLS; j++)
			memcpy(s->cell[i][j], " ", 2);
	s->rows = rows;
	s->cols = cols;
	s->col = s->col < cols ? s->col : cols - 1;
}

static void
line_feed(struct screen *s)
{
	if (s->row + 1 < s->rows)
		s->row++;
	else
		scroll(s);
}

static void
put(struct screen *s, const char *c, size_t len)
{
	mbstate_t state = { 0 };
	wchar_t w;
	int n;

	assert_int_equal(mbrtowc(&w, c, len, &state), len);
	n = wcwidth(w);
	assert_int_not_equal(n, -1);
	if (n == 0)
		return;
	/* A line that needs wrapping has broken the line count. */
	assert_true(s->col + (unsigned)n <= s->cols);
	memcpy(s->cell[s->row][s->col], c, len);
	s->cell[s->row][s->col][len] = '\0';
	if (n == 2)
		s->cell[s->row][s->col + 1][0] = '\0';
	s->col += (unsigned)n;
}

/* A control sequence after ESC [; returns its length. */
static size_t
control(struct screen *s, const char *p, size_t len)
{
	size_t n = strspn(p, "0123456789;?");
	unsigned long arg = strtoul(p, NULL, 10);
	unsigned i;

	assert_true(n < len);
	switch (p[n]) {
	case 'A':
		assert_true(arg > 0);
		s->row = s->row > arg ? s->row - (unsigned)arg : 0;
		break;
	case 'K':
		assert_int_equal(arg, 2);
		blank_row(s, s->row);
		break;
	case 'J':
		assert_int_equal(n, 0);
		for (i = s->row; i < SCREEN_ROWS; i++)
			blank_row(s, i);
		break;
	case 'm':
		s->coloured = true;
		break;
	case 'h':
	case 'l':
		assert_memory_equal(p, "?7", 2);
		s->nowrap = p[n] == 'l';
		break;
	default:
		fail_msg("control sequence %.*s", (int)n + 1, p);
	}
	return n + 1;
}

void
screen_feed(struct screen *s, const char *data, size_t len)
{
	size_t i, n;

	for (i = 0; i < len; i += n) {
		n = 1;
		if (data[i] == '\r') {
			s->col = 0;
		} else if (data[i] == '\n') {
			line_feed(s);
		} else if (data[i] == '\033') {
			assert_true(i + 1 < len && data[i + 1] == '[');
			n = 2 + control(s, data + i + 2, len - i - 2);
		} else {
			while (i + n < len &&
			    ((unsigned char)data[i + n] & 0xc0) == 0x80)
				n++;
			assert_in_range(n, 1, 4);
			put(s, data + i, n);
		}
	}
}

const char *
screen_line(struct screen *s, unsigned row)
{
	size_t len = 0;
	unsigned i;

	for (i = 0; i < s->cols; i++)
		len += (size_t)snprintf(s->line + len, sizeof(s->line) - len,
		    "%s", s->cell[row][i]);
	while (len > 0 && s->line[len - 1] == ' ')
		len--;
	s->line[len] = '\0';
	return s->line;
}

unsigned
screen_used(struct screen *s)
{
	unsigned i, used = 0;

	for (i = 0; i < s->rows; i++)
		if (*screen_line(s, i) != '\0')
			used = i + 1;
	return used;
}
