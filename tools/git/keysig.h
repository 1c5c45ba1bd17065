/* SPDX-License-Identifier: ISC */
/*
 * keysig: where the signature ends that stands in front of a signed text, as
 * ssh-keygen -Y sign writes it:
 *
 *	-----BEGIN SSH SIGNATURE-----
 *	BASE64, at most 76 digits a line
 *	-----END SSH SIGNATURE-----
 *
 * Each line ends in LF; at most KEYSIG_MAX bytes (an RSA key of 16384 bits
 * signs in about 6 KiB). Whether it is good says ssh-keygen -Y verify alone.
 * Pure. Source: PROTOCOL.sshsig of OpenSSH.
 */
#ifndef GIT_KEYSIG_H
#define GIT_KEYSIG_H

#include <stddef.h>

#include "base/err.h"

#define KEYSIG_MAX 16384

/*
 * keysig_find(): len bytes from the begin of what came so far.
 * ret_len  bytes of the signature, its last line feed included; 0: it is not
 *          there as a whole yet, more has to come.
 * Returns 0, or -1 ERR_PEER: this can't become one.
 */
int keysig_find(const char *data, size_t len, size_t *ret_len,
	struct err *e);

#endif
