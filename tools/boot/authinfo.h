/* SPDX-License-Identifier: ISC */
/*
 * authinfo: which key a session logged in with, as OpenSSH's sshd tells with
 * "ExposeAuthInfo yes": in the file that SSH_USER_AUTH names, a line a method,
 * "publickey ssh-ed25519 AAAA…". Pure.
 * Source: sshd_config(5), sshd's auth2.c; RFC 4253, 6.6; RFC 4648, 4;
 * OpenSSH's PROTOCOL.certkeys.
 */
#ifndef BOOT_AUTHINFO_H
#define BOOT_AUTHINFO_H

#include <stddef.h>

#include "base/err.h"

#define AUTHINFO_MAX	16384	/* bytes of such a file */
#define AUTHINFO_FP	51	/* "SHA256:", 43 characters, the NUL */

/* authinfo_parse(): the fingerprint of the first key in text (borrowed, len
 * bytes), as ssh-keygen -l prints it; of a certificate that of the key in it.
 * 0, or -1 ERR_PEER: no key, or one that is none. */
int authinfo_parse(const char *text, size_t len, char ret[AUTHINFO_FP],
	struct err *e);

#endif
