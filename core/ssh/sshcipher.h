/* SPDX-License-Identifier: ISC */
/*
 * sshcipher: the cipher of a connection that carries gigabytes. OpenSSH's own
 * first choice, chacha20-poly1305, is plain C: two thirds of what ssh and sshd
 * spend on a large transfer. AES-GCM, in every default list since OpenSSH 6.2,
 * has instructions on most CPUs. Where this one has them, GCM may come first;
 * all that was allowed before stays allowed, and nothing else is.
 *
 * Only where nobody chose: what a configuration or a distribution's policy
 * says stands. So whoever asks ssh -G about a destination, and about any at
 * all without a configuration, compares: sshcipher_same().
 * Source: ssh_config(5), Ciphers; getauxval(3).
 */
#ifndef POSTERN_SSHCIPHER_H
#define POSTERN_SSHCIPHER_H

#include <stdbool.h>

/* An -o: moves these to the head of OpenSSH's own list. */
#define SSHCIPHER_FIRST \
	"Ciphers=^aes128-gcm@openssh.com,aes256-gcm@openssh.com"

/* sshcipher_here(): this CPU has instructions for AES and for GCM's sum. */
bool sshcipher_here(void);
/* sshcipher_same(): two outputs of ssh -G name the same ciphers in the same
 * order; false where one names none. */
bool sshcipher_same(const char *mine, const char *plain);

#endif
