/* SPDX-License-Identifier: ISC */
#include "authinfo.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sha256.h"

#define METHOD	"publickey "
#define CERT	"-cert-v"
#define BLOB	4096u	/* bytes of a key; RSA of 16384 bits has half of it */

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
	if (memmem(p, type, CERT, strlen(CERT)) != NULL ||
	    decode(blank + 1, n - type - 1, blob, &len) == -1)
		return -1;
	if (type == 0 || type > 255 || len < 4 + type || blob[0] != 0 ||
	    blob[1] != 0 || blob[2] != 0 || blob[3] != type ||
	    memcmp(blob + 4, p, type) != 0)
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
