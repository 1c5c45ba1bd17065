/* SPDX-License-Identifier: ISC */
/*
 * askargv: the command line of a cryptsetup that may wait for a passphrase on
 * the console (dracut without systemd), and the one that does the same with a
 * passphrase from its standard input. Pure. An option that is not in our table
 * makes the whole unreadable: what may be its argument can't be told from the
 * disk. Source: cryptsetup(8), cryptsetup-open(8).
 */
#ifndef BOOT_ASKARGV_H
#define BOOT_ASKARGV_H

#include "base/err.h"
#include "base/strv.h"

struct askargv {
	const char *device, *name;	/* borrowed from the words */
};

/* askargv_parse(): argv (borrowed) as "cryptsetup open DEVICE NAME" or
 * luksOpen, with options. 0, or -1 ERR_PEER: another action, a key file or
 * --test-passphrase (it doesn't ask), a detached header, what we can't read. */
int askargv_parse(const struct strv *argv, struct askargv *ret, struct err *e);

/* askargv_rerun(): append the same words, and those that make it read one
 * passphrase from its standard input. 0, or -1: out of memory. */
int askargv_rerun(const struct strv *argv, struct strv *out);

#endif
