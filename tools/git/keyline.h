/* SPDX-License-Identifier: ISC */
/*
 * keyline: one public key, as OpenSSH writes it into a .pub file: TYPE BASE64
 * COMMENT. What core/ssh/authkeys takes as a line, this looks into: the blob
 * has to be one key of its type and nothing more, so that what goes into an
 * authorized_keys file is what sshd will read. Pure.
 *
 *	types	ssh-ed25519, ssh-rsa (1024 to 16384 bits, as sshd's
 *		defaults), ecdsa-sha2-nistp256, -384, -521, and their sk- forms;
 *		no ssh-dss (sshd takes it no more), no certificate (these are
 *		let in by principal)
 *	line	at most KEYLINE_MAX bytes; valid UTF-8 without characters that
 *		are not seen (controls, C1, U+2028, bidi); no options
 *	end	nothing, LF or CRLF: a .pub that was saved on Windows is a key
 *		all the same. A CR elsewhere, or a second line, is refused, as
 *		gitolite wants one line a file.
 *
 * The comment is for people only: it is never passed on.
 * Source: sshd(8); RFC 4253 6.6, RFC 5656 3.1, RFC 8709; PROTOCOL.u2f.
 */
#ifndef GIT_KEYLINE_H
#define GIT_KEYLINE_H

#include <stddef.h>

#include "base/err.h"
#include "ssh/authkeys.h"

#define KEYLINE_MAX	4096	/* bytes of a line */
#define KEYLINE_FP	32	/* bytes: SHA-256 of the blob */
#define KEYLINE_FP_TEXT	51	/* "SHA256:..." with the NUL */

struct keyline {
	struct authkeys_line line;	/* parts borrowed from the text */
	unsigned bits;			/* of an RSA key; 0: another type */
	unsigned char fp[KEYLINE_FP];
};

/* keyline_parse(): len bytes of text, borrowed. 0, or -1: ERR_CONFIG with
 * what is wrong (a private key has a message of its own), ERR_MEM; *ret is
 * untouched then. */
int keyline_parse(const char *text, size_t len, struct keyline *ret,
	struct err *e);

/* keyline_of(): the same look into the blob of a line that authkeys_parse()
 * took, whatever its options are. 0, or -1 as keyline_parse(). */
int keyline_of(const struct authkeys_line *line, struct keyline *ret,
	struct err *e);

/* keyline_fp_text(): "SHA256:..." as ssh-keygen -l and sshd's %f have it. */
void keyline_fp_text(const unsigned char fp[KEYLINE_FP],
	char ret[KEYLINE_FP_TEXT]);

/* keyline_fp_parse(): the reverse. 0, or -1 ERR_CONFIG. */
int keyline_fp_parse(const char *text, unsigned char ret[KEYLINE_FP],
	struct err *e);

#endif
