/* SPDX-License-Identifier: ISC */
/*
 * serverkeys: which keys of an authorized_keys file may log into the
 * initramfs, and as what: with the agent as forced command, or, for those of
 * the emergency file, with a shell. Pure.
 * Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT; dropbear(8), which refuses a
 * key for an option that it doesn't know.
 */
#ifndef BOOT_SERVERKEYS_H
#define BOOT_SERVERKEYS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#define SERVERKEYS_AGENT	"/usr/bin/postern-boot-agent"

struct serverkeys {
	const char *name;	/* of the file, for notes */
	bool shell;		/* no forced command */
	bool dropbear;
};

/*
 * serverkeys_add(): the lines for the image to out. *ret_n: how many. A key
 * that is left out, and why, is a line in notes: it has a forced command of
 * its own or is an authority's, is a certificate or of DSA, or what limits it
 * can't be said to that sshd. A line that denies its key a
 * terminal denies it a shell's, too.
 * A key that out has already is passed over. 0, or -1 ERR_MEM.
 */
int serverkeys_add(const struct serverkeys *s, const char *text, size_t len,
	struct buf *out, struct strv *notes, size_t *ret_n, struct err *e);

#endif
