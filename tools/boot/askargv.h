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

/* A type of token that there is none of: cryptsetup opens a disk by the tokens
 * that it finds before it reads a key file. Since 2.4. */
#define ASKARGV_NO_TOKEN "--token-type=postern-none"

struct askargv {
	const char *device, *name;	/* borrowed from the words */
};

/* askargv_parse(): argv (borrowed) as "cryptsetup open DEVICE NAME" or
 * luksOpen, with options. 0, or -1 ERR_PEER: another action, a key file or
 * --test-passphrase (it doesn't ask), a detached header, what we can't read. */
int askargv_parse(const struct strv *argv, struct askargv *ret, struct err *e);

/* askargv_plymouth(): of a "plymouth ask-for-password --command=WORDS", append
 * the words of the cryptsetup that it starts with each answer. 0, or -1:
 * ERR_PEER (it has none, or one with quotes), ERR_MEM.
 * Source: plymouth(8), dracut's ask_for_password(). */
int askargv_plymouth(const struct strv *argv, struct strv *out,
	struct err *e);

/* askargv_rerun(): append the same words, after the first ASKARGV_NO_TOKEN, and
 * those that make it read one passphrase from its standard input, of which
 * nothing is cut. argv was askargv_parse()d. 0, or -1: out of memory. */
int askargv_rerun(const struct strv *argv, struct strv *out);

#endif
