/* SPDX-License-Identifier: ISC */
#include "gitauth.h"

#include <sodium.h>
#include <string.h>

#include "keyline.h"

#define BLOB_MAX 16384
#define METHOD	"publickey "

/* A certificate has its type, a nonce, the key's own fields, and more; the key
 * by itself has its type and these fields. */
static const struct cert {
	const char *type, *key;
	unsigned fields;
} certs[] = {
	{ "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", 1 },
	{ "sk-ssh-ed25519-cert-v01@openssh.com",
	    "sk-ssh-ed25519@openssh.com", 2 },
	{ "ecdsa-sha2-nistp256-cert-v01@openssh.com",
	    "ecdsa-sha2-nistp256", 2 },
	{ "ecdsa-sha2-nistp384-cert-v01@openssh.com",
	    "ecdsa-sha2-nistp384", 2 },
	{ "ecdsa-sha2-nistp521-cert-v01@openssh.com",
	    "ecdsa-sha2-nistp521", 2 },
	{ "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
	    "sk-ecdsa-sha2-nistp256@openssh.com", 3 },
	{ "ssh-rsa-cert-v01@openssh.com", "ssh-rsa", 2 },
};

static const struct cert *
cert_of(const char *type, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(certs) / sizeof(certs[0]); i++)
		if (strlen(certs[i].type) == len &&
		    memcmp(certs[i].type, type, len) == 0)
			return &certs[i];
	return NULL;
}

/* Bytes of the n strings that p begins with; 0: it has less. */
static size_t
strings(const unsigned char *p, size_t len, unsigned n)
{
	size_t at = 0, s;

	for (; n > 0; n--, at += s) {
		if (len - at < 4)
			return 0;
		s = (size_t)p[at] << 24 | (size_t)p[at + 1] << 16 |
		    (size_t)p[at + 2] << 8 | p[at + 3];
		if (s > len - at - 4)
			return 0;
		s += 4;
	}
	return at;
}

/* The fingerprint of the key in the certificate. */
static int
cert_fp(const struct cert *c, const unsigned char *blob, size_t len,
    unsigned char fp[KEYLINE_FP])
{
	size_t head = strings(blob, len, 2);
	size_t n = head > 0 ? strings(blob + head, len - head, c->fields) : 0;
	unsigned char size[4] = { 0, 0, 0, (unsigned char)strlen(c->key) };
	crypto_hash_sha256_state sum;

	if (n == 0)
		return -1;
	crypto_hash_sha256_init(&sum);
	crypto_hash_sha256_update(&sum, size, sizeof(size));
	crypto_hash_sha256_update(&sum, (const unsigned char *)c->key,
	    strlen(c->key));
	crypto_hash_sha256_update(&sum, blob + head, n);
	crypto_hash_sha256_final(&sum, fp);
	return 0;
}

/* The key of one line into ret, and whether it is a certificate; ret and
 * *ret_cert are untouched when it has none. */
static void
line_fp(const char *line, size_t len, char ret[GITWIRE_FP], bool *ret_cert)
{
	unsigned char blob[BLOB_MAX], fp[crypto_hash_sha256_BYTES];
	const struct cert *cert;
	const char *key;
	size_t n = 0;

	if (len < strlen(METHOD) || memcmp(line, METHOD, strlen(METHOD)) != 0)
		return;
	line += strlen(METHOD);
	len -= strlen(METHOD);
	key = memchr(line, ' ', len);
	if (key == NULL)
		return;
	cert = cert_of(line, (size_t)(key - line));
	key++;
	len -= (size_t)(key - line);
	if (sodium_base642bin(blob, sizeof(blob), key, len, NULL, &n, NULL,
	    sodium_base64_VARIANT_ORIGINAL) != 0 || n == 0)
		return;
	if (cert == NULL)
		crypto_hash_sha256(fp, blob, n);
	else if (cert_fp(cert, blob, n, fp) == -1)
		return;
	keyline_fp_text(fp, ret);
	*ret_cert = cert != NULL;
}

bool
gitauth_fp(const char *text, size_t len, char ret[GITWIRE_FP])
{
	const char *end = text + len, *nl;
	bool cert = false;

	memcpy(ret, "-", 2);
	for (; text < end; text = nl < end ? nl + 1 : end) {
		nl = memchr(text, '\n', (size_t)(end - text));
		if (nl == NULL)
			nl = end;
		line_fp(text, (size_t)(nl - text), ret, &cert);
	}
	return cert;
}
