/* SPDX-License-Identifier: ISC */
/*
 * sha256: for a key's fingerprint, in a program that links nothing but libc
 * (libsodium's brings all of its start-up into an image). Pure. Not for
 * secrets: nothing is wiped. Source: FIPS 180-4, 5.1.1 and 6.2.
 */
#ifndef BOOT_SHA256_H
#define BOOT_SHA256_H

#include <stddef.h>

#define SHA256_BYTES 32

/* sha256_of(): of len bytes at p (borrowed). */
void sha256_of(const void *p, size_t len, unsigned char ret[SHA256_BYTES]);

#endif
