/* SPDX-License-Identifier: ISC */
#include "oddname.h"

#include <stdbool.h>

static bool
octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' &&
	    s[2] >= '0' && s[2] <= '7';
}

size_t
oddname_read(char *out, size_t cap, const char *in, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len && n + 1 < cap; i++) {
		if (in[i] == '\\' && len - i >= 5 && in[i + 1] == '#' &&
		    octal(in + i + 2)) {
			out[n++] = (char)((in[i + 2] - '0') * 64 +
			    (in[i + 3] - '0') * 8 + (in[i + 4] - '0'));
			i += 4;
		} else {
			out[n++] = in[i];
		}
	}
	out[n] = '\0';
	return n;
}
