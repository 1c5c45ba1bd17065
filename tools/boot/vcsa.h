/* SPDX-License-Identifier: ISC */
/*
 * vcsa: what stands on the screen of a Linux console, /dev/vcsa. Pure. Four
 * bytes (rows, columns, the cursor's column and row), then two a place: the
 * character and its attribute, as a number of this machine's. Rows and columns
 * of 255 may be more. Source: vcs(4); the kernel's vc_screen.c.
 */
#ifndef BOOT_VCSA_H
#define BOOT_VCSA_H

#include <stddef.h>

#include "base/err.h"

#define VCSA_BYTES (4 + 2 * 500 * 1000)	/* of the widest that is told */
#define VCSA_COLUMNS 500	/* fewer than a line of bootline.h's has */

/* line: NUL-terminated, borrowed for the call: printable ASCII, '?' for what is
 * none, without the blanks at its end. */
typedef void vcsa_fn(void *arg, const char *line);

/* vcsa_parse(): each row but empty ones at the bottom, from the top. 0, or -1
 * ERR_PEER: p (borrowed, len bytes) has fewer places than its head says, or
 * more than VCSA_COLUMNS a row; fn was not called then. */
int vcsa_parse(const unsigned char *p, size_t len, vcsa_fn *fn, void *arg,
	struct err *e);

#endif
