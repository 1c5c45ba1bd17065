/* SPDX-License-Identifier: ISC */
/*
 * auth: what console_auth(1) does: asks for a passphrase, on a terminal or from
 * standard input, for each prompt that waits, and gives it (give.h). While one
 * is given the echo is off and signals wait. Libc only.
 */
#ifndef BOOT_AUTH_H
#define BOOT_AUTH_H

#include <stdbool.h>

#include "base/err.h"

struct auth_opts {
	unsigned wait_s, most;		/* give.h's */
	bool list;			/* print who waits, and no more */
	const char *id;			/* NULL: each that waits */
};

/* auth_run(): prints, and returns an exit status (console.h), or -1 with *e:
 * none was given. */
int auth_run(const struct auth_opts *o, struct err *e);

#endif
