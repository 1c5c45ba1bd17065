/* SPDX-License-Identifier: ISC */
/*
 * hostkey: the boot host key of this server: made, looked at, and put into a
 * folder in the form that an sshd reads. It lies in the clear in every image,
 * so one that the real sshd has is refused.
 */
#ifndef BOOT_HOSTKEY_H
#define BOOT_HOSTKEY_H

#include <stdbool.h>

#include "bootpins.h"
#include "base/buf.h"
#include "base/err.h"

struct hostkey {
	char *line;			/* owned: "TYPE BASE64" */
	char fp[BOOTPINS_FP];
	bool made;			/* by this call */
};

/*
 * hostkey_get(): the key at path, made (ed25519, mode 0600, with PATH.pub)
 * when there is none and make is set. A dropbear's own form is known, too.
 * hostkey_clear() in every case. 0, or -1: ERR_SYS (there is none, …),
 * ERR_UNSAFE (it is a key of the real sshd's, or others can read it), ERR_PEER
 * (no program can read it), ERR_MEM.
 */
int hostkey_get(const char *path, bool make, struct hostkey *ret,
	struct err *e);
void hostkey_clear(struct hostkey *k);

/* hostkey_real(): which of the real sshd's keys this line is: its file, or
 * NULL. line: "TYPE BASE64". */
const char *hostkey_real(const char *line);

/* hostkey_copy(): the key at path to to (must not exist; mode 0600), as
 * dropbear or as OpenSSH reads it. 0, or -1: ERR_SYS, ERR_PEER
 * (dropbearconvert). */
int hostkey_copy(const char *path, bool dropbear, const char *to,
	struct err *e);

#endif
