/* SPDX-License-Identifier: ISC */
/*
 * asktab: a line of initramfs-tools' /cryptroot/crypttab. Pure.
 * Source: crypttab(5), cryptsetup's scripts/local-top/cryptroot.
 */
#ifndef BOOT_ASKTAB_H
#define BOOT_ASKTAB_H

#include <stddef.h>

#include "base/err.h"

#define ASKTAB_MAX	65536	/* bytes of such a file */
#define ASKTAB_TEXT	256	/* bytes of a word, with the NUL */

struct asktab {
	char name[ASKTAB_TEXT];		/* of the open disk */
	char device[ASKTAB_TEXT];	/* absolute */
};

/* asktab_parse(): one line (borrowed, len bytes, without its newline) into
 * *ret. 0, or -1 ERR_PEER: a comment, no two words, or ones that we can't
 * read. */
int asktab_parse(const char *line, size_t len, struct asktab *ret,
	struct err *e);

#endif
