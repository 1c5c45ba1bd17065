/* SPDX-License-Identifier: ISC */
/*
 * askunit: systemd-cryptsetup@NAME.service as systemd-cryptsetup-generator
 * writes it: which disk it opens. Pure.
 * Source: systemd's cryptsetup-generator.c (create_disk), systemd.service(5)
 * (COMMAND LINES).
 */
#ifndef BOOT_ASKUNIT_H
#define BOOT_ASKUNIT_H

#include <stddef.h>

#include "base/err.h"

#define ASKUNIT_MAX	16384	/* bytes of such a file */
#define ASKUNIT_TEXT	256	/* bytes of a word, with the NUL */

struct askunit {
	char name[ASKUNIT_TEXT];	/* of the open disk */
	char device[ASKUNIT_TEXT];	/* absolute */
};

/* askunit_parse(): text (borrowed, len bytes) into *ret. 0, or -1 ERR_PEER: no
 * ExecStart= that attaches a disk, or one with words that we can't read. */
int askunit_parse(const char *text, size_t len, struct askunit *ret,
	struct err *e);

#endif
