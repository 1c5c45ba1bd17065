/* SPDX-License-Identifier: ISC */
/*
 * cap: the capabilities that a process keeps for the program that it
 * executes, and the loss of all others. A program with a file capability
 * (setcap cap_dac_read_search=p) has it as permitted only; so that what it
 * executes has it, too, it must be inheritable and ambient. Ambient
 * capabilities survive no_new_privs.
 *
 * The bounding set can be emptied by who has CAP_SETPCAP only (root); for
 * others no_new_privs (sandbox.h) does what it is for.
 * The only user of libcap. Source: capabilities(7), cap_set_ambient(3).
 */
#ifndef POSTERN_CAP_H
#define POSTERN_CAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum cap_keep {
	CAP_KEEP_NONE,
	CAP_KEEP_READ,		/* cap_dac_read_search: look into everything */
	CAP_KEEP_RESTORE,	/* chown, dac_override, fowner, fsetid, mknod,
				 * setfcap: write what root writes */
};

/*
 * cap_keep(): of what is permitted, keep those of one row as effective,
 * inheritable and ambient, and drop all others, from the bounding set too
 * where that is possible. *ret_all: whether all of the row were there.
 * Returns 0, or -1 ERR_SYS, ERR_MEM.
 */
int cap_keep(enum cap_keep keep, bool *ret_all, struct err *e);

/* cap_describe(): what this process has now, in cap_to_text(3)'s words, into
 * out (size bytes, always terminated). 0, or -1 ERR_SYS. */
int cap_describe(char *out, size_t size, struct err *e);

#endif
