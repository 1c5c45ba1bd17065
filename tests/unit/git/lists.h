/* SPDX-License-Identifier: ISC */
/* lists: keylists for tests. */
#ifndef POSTERN_TEST_LISTS_H
#define POSTERN_TEST_LISTS_H

#include <sodium.h>

#include "keylist.h"
#include "keys.h"

/* One of line, for id. */
static inline int
list_add(struct keylist *l, const char *id, const char *line,
    const char *where)
{
	struct keyline k;

	if (keyline_parse(line, strlen(line), &k, NULL) == -1)
		return -1;
	return keylist_add(l, id, &k, where, NULL);
}

/* An ed25519 key that is number n, as a line. */
static inline const char *
list_line(unsigned n)
{
	static char line[128];
	unsigned char blob[51] = "\0\0\0\x0bssh-ed25519\0\0\0\x20";

	memset(blob + 19, (int)(n * 37 % 251), 32);
	blob[19] = (unsigned char)n;
	blob[20] = (unsigned char)(n >> 8);
	blob[21] = (unsigned char)(n >> 16);
	memcpy(line, "ssh-ed25519 ", 12);
	sodium_bin2base64(line + 12, sizeof(line) - 12, blob, sizeof(blob),
	    sodium_base64_VARIANT_ORIGINAL);
	return line;
}

#endif
