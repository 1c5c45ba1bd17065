/* SPDX-License-Identifier: ISC */
#include "gitauth.h"

#include <sodium.h>
#include <string.h>

#include "keyline.h"

#define BLOB_MAX 16384
#define METHOD	"publickey "

/* The base64 of one line into ret; false when it is none. */
static int
line_fp(const char *line, size_t len, char ret[GITWIRE_FP])
{
	unsigned char blob[BLOB_MAX], fp[crypto_hash_sha256_BYTES];
	const char *key;
	size_t n = 0;

	if (len < strlen(METHOD) || memcmp(line, METHOD, strlen(METHOD)) != 0)
		return -1;
	line += strlen(METHOD);
	len -= strlen(METHOD);
	key = memchr(line, ' ', len);
	if (key == NULL)
		return -1;
	key++;
	len -= (size_t)(key - line);
	if (sodium_base642bin(blob, sizeof(blob), key, len, NULL, &n, NULL,
	    sodium_base64_VARIANT_ORIGINAL) != 0 || n == 0)
		return -1;
	crypto_hash_sha256(fp, blob, n);
	keyline_fp_text(fp, ret);
	return 0;
}

void
gitauth_fp(const char *text, size_t len, char ret[GITWIRE_FP])
{
	const char *end = text + len, *nl;

	memcpy(ret, "-", 2);
	for (; text < end; text = nl < end ? nl + 1 : end) {
		nl = memchr(text, '\n', (size_t)(end - text));
		if (nl == NULL)
			nl = end;
		(void)line_fp(text, (size_t)(nl - text), ret);
	}
}
