/* SPDX-License-Identifier: ISC */
#include "store_text.h"

#include <stdbool.h>

static bool
plain(unsigned char c)
{
	return c > 0x20 && c != 0x7f && c != '\\';
}

int
store_text_esc(struct buf *out, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	int rc = 0;

	for (; *p != '\0' && rc == 0; p++)
		rc = plain(*p) ? buf_addc(out, (char)*p) :
		    buf_addf(out, "\\%03o", *p);
	return rc;
}

int
store_text_unesc(struct buf *out, const char *word, size_t len)
{
	const unsigned char *p = (const unsigned char *)word;
	size_t i = 0, j;
	unsigned c;

	while (i < len) {
		c = p[i++];
		if (c == '\\') {
			if (len - i < 3 || p[i] > '3')
				return -1;
			for (c = 0, j = 0; j < 3; j++, i++) {
				if (p[i] < '0' || p[i] > '7')
					return -1;
				c = c * 8 + (unsigned)(p[i] - '0');
			}
			if (c == 0)
				return -1;
		} else if (!plain((unsigned char)c)) {
			return -1;
		}
		if (buf_addc(out, (char)c) == -1)
			return -1;
	}
	return 0;
}

int
store_text_num(const char *word, size_t len, uint64_t *ret)
{
	uint64_t n = 0, d;
	size_t i;

	for (i = 0; i < len; i++) {
		if (word[i] < '0' || word[i] > '9')
			return -1;
		d = (uint64_t)(word[i] - '0');
		if (n > (UINT64_MAX - d) / 10)
			return -1;
		n = n * 10 + d;
	}
	if (len == 0)
		return -1;
	*ret = n;
	return 0;
}
