/* SPDX-License-Identifier: ISC */
#include "authinfo.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sha256.h"

#define METHOD	"publickey "
#define BLOB	4096u	/* bytes of a key; RSA of 16384 bits has half of it */

/* A certificate has its type, a nonce, and then the key: the rest of what a
 * plain key of that type has. */
static const struct {
	const char *cert, *plain;
	unsigned strings;		/* of the key, behind its type */
} certs[] = {
	{ "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", 1 },
	{ "ssh-rsa-cert-v01@openssh.com", "ssh-rsa", 2 },
	{ "ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256",
	    2 },
	{ "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384",
	    2 },
	{ "ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521",
	    2 },
	{ "sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com",
	    2 },
	{ "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
	    "sk-ecdsa-sha2-nistp256@openssh.com", 3 },
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
    "stuvwxyz0123456789+/";

/* The n characters at p. 0, or -1. */
static int
decode(const char *p, size_t n, unsigned char *out, size_t *ret_len)
{
	size_t i, len = 0;
	const char *at;
	uint32_t v = 0;

	if (n == 0 || n % 4 != 0 || n / 4 * 3 > BLOB)
		return -1;
	for (i = 0; i < 2 && p[n - 1] == '='; i++)
		n--;
	for (i = 0; i < n; i++) {
		at = p[i] != '\0' ? strchr(digits, p[i]) : NULL;
		if (at == NULL)
			return -1;
		v = v << 6 | (uint32_t)(at - digits);
		/* 6, 12, 18, 24 bits: a byte is whole with all but the first */
		if (i % 4 > 0)
			out[len++] = (unsigned char)(v >> (6 - 2 * (i % 4)));
	}
	*ret_len = len;
	return 0;
}

static void
encode(const unsigned char hash[SHA256_BYTES], char ret[AUTHINFO_FP])
{
	size_t i, n = (size_t)snprintf(ret, AUTHINFO_FP, "SHA256:");
	unsigned bits;

	/* 43 times 6 bits; the last 2 of them are beyond the end. */
	for (i = 0; n < AUTHINFO_FP - 1; i += 6) {
		bits = (unsigned)hash[i / 8] << 8 |
		    (i / 8 + 1 < SHA256_BYTES ? hash[i / 8 + 1] : 0u);
		ret[n++] = digits[bits >> (10 - i % 8) & 63];
	}
	ret[n] = '\0';
}

/* Behind the string that begins at p; NULL: it doesn't end before end. */
static const unsigned char *
behind(const unsigned char *p, const unsigned char *end)
{
	size_t n;

	if (p == NULL || end - p < 4)
		return NULL;
	n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	return n <= (size_t)(end - p - 4) ? p + 4 + n : NULL;
}

/* The plain key in a certificate, in its place; *len bytes. A plain one is left
 * as it is. 0, or -1: it is cut, or of no type that we know. */
static int
take_key(const char *type, size_t n, unsigned char *blob, size_t *len)
{
	const unsigned char *end = blob + *len, *from, *to;
	size_t i, m;
	unsigned j;

	if (memmem(type, n, "-cert-v", strlen("-cert-v")) == NULL)
		return 0;
	for (i = 0; i < sizeof(certs) / sizeof(certs[0]); i++) {
		if (strlen(certs[i].cert) != n ||
		    memcmp(certs[i].cert, type, n) != 0)
			continue;
		to = from = behind(behind(blob, end), end);
		for (j = 0; j < certs[i].strings; j++)
			to = behind(to, end);
		if (to == NULL)
			return -1;
		m = strlen(certs[i].plain);
		blob[3] = (unsigned char)m;
		memcpy(blob + 4, certs[i].plain, m);
		memmove(blob + 4 + m, from, (size_t)(to - from));
		*len = 4 + m + (size_t)(to - from);
		return 0;
	}
	return -1;
}

/* "TYPE BASE64": the key names its type itself. */
static int
key(const char *p, size_t n, char ret[AUTHINFO_FP])
{
	const char *blank = memchr(p, ' ', n);
	unsigned char blob[BLOB], hash[SHA256_BYTES];
	size_t type, len;

	if (blank == NULL)
		return -1;
	type = (size_t)(blank - p);
	if (decode(blank + 1, n - type - 1, blob, &len) == -1)
		return -1;
	if (type == 0 || type > 255 || len < 4 + type || blob[0] != 0 ||
	    blob[1] != 0 || blob[2] != 0 || blob[3] != type ||
	    memcmp(blob + 4, p, type) != 0 ||
	    take_key(p, type, blob, &len) == -1)
		return -1;
	sha256_of(blob, len, hash);
	encode(hash, ret);
	return 0;
}

int
authinfo_parse(const char *text, size_t len, char ret[AUTHINFO_FP],
    struct err *e)
{
	const char *nl;
	size_t n;

	for (; len > 0; text += n + (nl != NULL), len -= n + (nl != NULL)) {
		nl = memchr(text, '\n', len);
		n = nl != NULL ? (size_t)(nl - text) : len;
		if (n <= strlen(METHOD) ||
		    memcmp(text, METHOD, strlen(METHOD)) != 0)
			continue;
		if (key(text + strlen(METHOD), n - strlen(METHOD), ret) == -1)
			return err_set(e, ERR_PEER, "not a public key");
		return 0;
	}
	return err_set(e, ERR_PEER, "no public key");
}
