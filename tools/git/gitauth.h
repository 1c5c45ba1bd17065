/* SPDX-License-Identifier: ISC */
/*
 * gitauth: the fingerprint of the key that a session was let in with, out of
 * the file that sshd's ExposeAuthInfo names in SSH_USER_AUTH. Pure.
 *
 *	publickey TYPE BASE64		a line; other methods are passed over
 */
#ifndef GIT_GITAUTH_H
#define GIT_GITAUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "gitwire.h"

/*
 * gitauth_fp(): "SHA256:..." of the last key in text, or "-" when it has none.
 * Of a certificate it is that of the key that it certifies, as sshd's log and
 * ssh-keygen -l have it. Returns whether it was a certificate: what lets in is
 * then not the key, so that no list of keys needs to have it.
 * Source: sshd_config(5); PROTOCOL.certkeys of OpenSSH.
 */
bool gitauth_fp(const char *text, size_t len, char ret[GITWIRE_FP]);

#endif
