/* SPDX-License-Identifier: ISC */
/*
 * bootlog: who gave a passphrase, to what and when, in /run, which the real
 * system takes over; bootline.h has its lines. No secret is in it. Who has
 * give.h's lock writes; anybody may read meanwhile. It can't grow without
 * bound: beyond 64 KiB it is renamed to log.old, in the place of an older one;
 * and of more than two lines in a row that differ by their times alone the
 * first and the last are kept.
 */
#ifndef BOOT_BOOTLOG_H
#define BOOT_BOOTLOG_H

#include "base/err.h"
#include "bootline.h"

#define BOOTLOG_LAST 500	/* lines that are read: fewer than call.h's */

/*
 * bootlog_add(): a line, with the time, and with who it is as sshd tells it:
 * the key's fingerprint (OpenSSH's "ExposeAuthInfo yes") or its comment
 * (dropbear), and the client's address; without an address the terminal on
 * standard input. by, word as there. 0, or -1: ERR_SYS, ERR_UNSAFE, ERR_MEM.
 * Source: sshd(8) (ENVIRONMENT), dropbear(8) (ENVIRONMENT VARIABLES).
 */
int bootlog_add(const char *by, const char *word,
	const struct bootline_prompt *p, struct err *e);

/* bootlog_read(): the last lines, oldest first; what is none is left out. l is
 * borrowed for the call. 0, also where there is no log; -1: ERR_SYS, ERR_MEM.
 */
int bootlog_read(void (*fn)(void *arg, const struct bootline *l), void *arg,
	struct err *e);

#endif
