/* SPDX-License-Identifier: ISC */
#include "vcsa.h"

#include <stdint.h>
#include <string.h>

#define HEAD	4u
#define MOST	255u		/* that a byte of the head can say */

struct size {
	size_t rows, columns;
};

/* Row y as a line; returns its length. */
static size_t
row(const unsigned char *places, const struct size *s, size_t y,
    char line[VCSA_COLUMNS + 1])
{
	uint16_t place;
	unsigned char c;
	size_t x, n = 0;

	for (x = 0; x < s->columns; x++) {
		memcpy(&place, places + 2 * (y * s->columns + x), 2);
		c = (unsigned char)(place & 0xff);
		line[x] = c == '\0' ? ' ' : c < ' ' || c > '~' ? '?' : (char)c;
		if (line[x] != ' ')
			n = x + 1;
	}
	line[n] = '\0';
	return n;
}

/* Of a screen that has more than its head can say there are more places: that
 * of the two which is at its end is what they come to. */
static int
size_of(const unsigned char *p, size_t len, struct size *ret)
{
	size_t places = len < HEAD ? 0 : (len - HEAD) / 2;

	if (places == 0 || p[0] == 0 || p[1] == 0)
		return -1;
	*ret = (struct size){ p[0], p[1] };
	if (p[1] == MOST && places > (size_t)p[0] * p[1] &&
	    places % p[0] == 0)
		ret->columns = places / p[0];
	else if (p[0] == MOST && places > (size_t)p[0] * p[1] &&
	    places % p[1] == 0)
		ret->rows = places / p[1];
	return ret->rows * ret->columns > places ? -1 : 0;
}

int
vcsa_parse(const unsigned char *p, size_t len, vcsa_fn *fn, void *arg,
    struct err *e)
{
	char line[VCSA_COLUMNS + 1];
	size_t y, used = 0;
	struct size s;

	if (size_of(p, len, &s) == -1)
		return err_set(e, ERR_PEER, "not the screen of a console");
	if (s.columns > VCSA_COLUMNS)
		return err_set(e, ERR_PEER, "a screen of %zu columns: more "
		    "than can be told", s.columns);
	for (y = 0; y < s.rows; y++)
		if (row(p + HEAD, &s, y, line) > 0)
			used = y + 1;
	for (y = 0; y < used; y++) {
		(void)row(p + HEAD, &s, y, line);
		fn(arg, line);
	}
	return 0;
}
