/* SPDX-License-Identifier: ISC */
/*
 * hostkey: the boot host key of this server: made, looked at, and put into a
 * folder in the form that an sshd reads. It lies in the clear in every image,
 * so one that the real sshd has is refused.
 */
#ifndef BOOT_HOSTKEY_H
#define BOOT_HOSTKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

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

/* hostkey_public(): "TYPE BASE64" of the private key at path, by what can read
 * it (ssh-keygen, dropbearkey); hostkey_pub_file(): what path.pub says, which
 * may be of another key. out: initialised, empty, HOSTKEY_PUB_MAX. */
#define HOSTKEY_PUB_MAX		16384
bool hostkey_public(const char *path, struct buf *out);
bool hostkey_pub_file(const char *path, struct buf *out);

/* hostkey_real(): whether line ("TYPE BASE64"), or the file that st is of
 * (NULL: none), is a host key of the real system's; its file to ret. */
bool hostkey_real(const char *line, const struct stat *st, char *ret,
	size_t size);

/* hostkey_check(): whether hostkey_copy() could do it, of the key at path or,
 * if there is none, of one that is made. Errors as there. */
int hostkey_check(const char *path, bool dropbear, struct err *e);

/* hostkey_copy(): the key at path to to (must not exist; mode 0600), as
 * dropbear or as OpenSSH reads it. 0, or -1: ERR_SYS, ERR_PEER
 * (dropbearconvert). */
int hostkey_copy(const char *path, bool dropbear, const char *to,
	struct err *e);

#endif
