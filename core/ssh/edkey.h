/* SPDX-License-Identifier: ISC */
/*
 * edkey: an ed25519 key in OpenSSH's words. All that it is made of is a seed
 * of EDKEY_SEED random bytes, which is therefore all that need be carried.
 * Source: RFC 8032, RFC 8709, PROTOCOL.key of OpenSSH.
 */
#ifndef POSTERN_EDKEY_H
#define POSTERN_EDKEY_H

#include "base/buf.h"
#include "base/err.h"
#include "secret/secret.h"

#define EDKEY_SEED 32

/* edkey_new(): a new seed. Returns owned, or NULL as secret_new(). */
struct secret *edkey_new(struct err *e);

/* edkey_public(): "ssh-ed25519 BASE64" of a seed, appended. 0, or -1: ERR_MEM,
 * or as secret_new(). */
int edkey_public(const struct secret *seed, struct buf *out, struct err *e);

/* edkey_private(): the private key's file, without a passphrase. Never outside
 * of locked memory. Returns owned, or NULL as secret_new(). */
struct secret *edkey_private(const struct secret *seed, struct err *e);

#endif
