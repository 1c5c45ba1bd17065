/* SPDX-License-Identifier: ISC */
/*
 * vcsa: what stands on the screen of a Linux console, /dev/vcsa. Pure. Four
 * bytes (rows, columns, the cursor's column and row), then a byte and its
 * attribute a place. Source: vcs(4).
 */
#ifndef BOOT_VCSA_H
#define BOOT_VCSA_H

#include <stddef.h>

#include "base/err.h"

#define VCSA_BYTES (4 + 2 * 255 * 255)	/* no screen has more */

/* line: NUL-terminated, borrowed for the call: printable ASCII, '?' for what is
 * none, without the blanks at its end. */
typedef void vcsa_fn(void *arg, const char *line);

/* vcsa_parse(): each row but empty ones at the bottom, from the top. 0, or -1
 * ERR_PEER: p (borrowed, len bytes) has fewer places than its head says; fn was
 * not called then. */
int vcsa_parse(const unsigned char *p, size_t len, vcsa_fn *fn, void *arg,
	struct err *e);

#endif
