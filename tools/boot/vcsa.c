/* SPDX-License-Identifier: ISC */
#include "vcsa.h"

#define HEAD 4u

/* Row y of columns places as a line; returns its length. */
static size_t
row(const unsigned char *places, size_t columns, size_t y, char line[256])
{
	size_t x, n = 0;
	unsigned char c;

	for (x = 0; x < columns; x++) {
		c = places[2 * (y * columns + x)];
		line[x] = c == '\0' ? ' ' : c < ' ' || c > '~' ? '?' : (char)c;
		if (line[x] != ' ')
			n = x + 1;
	}
	line[n] = '\0';
	return n;
}

int
vcsa_parse(const unsigned char *p, size_t len, vcsa_fn *fn, void *arg,
    struct err *e)
{
	size_t rows, columns, y, used = 0;
	char line[256];

	if (len < HEAD || p[0] == 0 || p[1] == 0 ||
	    len < HEAD + (size_t)2 * p[0] * p[1])
		return err_set(e, ERR_PEER, "not the screen of a console");
	rows = p[0];
	columns = p[1];
	for (y = 0; y < rows; y++)
		if (row(p + HEAD, columns, y, line) > 0)
			used = y + 1;
	for (y = 0; y < used; y++) {
		(void)row(p + HEAD, columns, y, line);
		fn(arg, line);
	}
	return 0;
}
