/* SPDX-License-Identifier: ISC */
/*
 * gitauth: the fingerprint of the key that a session was let in with, out of
 * the file that sshd's ExposeAuthInfo names in SSH_USER_AUTH. Pure.
 *
 *	publickey TYPE BASE64		a line; other methods are passed over
 */
#ifndef GIT_GITAUTH_H
#define GIT_GITAUTH_H

#include <stddef.h>

#include "gitwire.h"

/* gitauth_fp(): "SHA256:..." of the last key in text, or "-" when it has
 * none. The blob is what counts, so a certificate has its own. */
void gitauth_fp(const char *text, size_t len, char ret[GITWIRE_FP]);

#endif
