/* SPDX-License-Identifier: ISC */
/*
 * tries: how often a passphrase was guessed lately, in a file of GIVE_DIR, for
 * all sessions together. Only who has give.h's lock comes here. Libc only.
 */
#ifndef BOOT_TRIES_H
#define BOOT_TRIES_H

#include "base/err.h"

/* tries_note(): write down one, before it is made. 0, or -1: ERR_BUSY there
 * were most in a minute, and when there may be one again; ERR_CONFIG the file
 * can't be read, ERR_SYS, ERR_MEM. */
int tries_note(unsigned most, struct err *e);

/* tries_forget(): take back the last one, which is ours as long as we have the
 * lock. 0, or -1 as above. */
int tries_forget(struct err *e);

#endif
