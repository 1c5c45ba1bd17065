/* SPDX-License-Identifier: ISC */
#include "ui/columns.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>

/* Marks that stand on one character (combining accents) past this many would
 * only serve to fill a line that no one can read. */
#define MARKS_MAX 4

/*
 * The next character of s (not ""): its bytes in *len and the columns that it
 * takes, or -1 when the byte is to be written as \xNN.
 */
static int
next_char(const char *s, bool utf8, size_t *len)
{
	mbstate_t state = { 0 };
	unsigned char c = (unsigned char)*s;
	wchar_t w;
	int n;

	*len = 1;
	if (c >= 0x20 && c < 0x7f)
		return 1;
	if (!utf8 || c < 0x80)
		return -1;
	*len = mbrtowc(&w, s, strlen(s), &state);
	if (*len == 0 || *len > 4)
		n = -1;
	else
		n = wcwidth(w);
	if (n == -1)
		*len = 1;
	return n;
}

void
columns_add(struct columns *c, const char *text, size_t max)
{
	size_t len, need, marks = 0;
	char hex[8];
	int n;

	for (; *text != '\0'; text += len) {
		n = next_char(text, c->utf8, &len);
		marks = n == 0 ? marks + 1 : 0;
		if (marks > MARKS_MAX)
			continue;
		need = n == -1 ? 4 : (size_t)n;
		if (need > c->left || need > max)
			return;
		if (n == -1) {
			snprintf(hex, sizeof(hex), "\\x%02x",
			    (unsigned)(unsigned char)*text);
			(void)buf_adds(c->out, hex);
		} else {
			(void)buf_add(c->out, text, len);
		}
		c->left -= need;
		c->used += need;
		max -= need;
	}
}

void
columns_pad(struct columns *c, size_t column)
{
	while (c->used < column && c->left > 0) {
		(void)buf_addc(c->out, ' ');
		c->used++;
		c->left--;
	}
}

size_t
columns_of(const char *text, bool utf8)
{
	size_t len, sum = 0;
	int n;

	for (; *text != '\0'; text += len) {
		n = next_char(text, utf8, &len);
		sum += n == -1 ? 4 : (size_t)n;
	}
	return sum;
}
