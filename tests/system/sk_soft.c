/* SPDX-License-Identifier: ISC */
/*
 * sk_soft: a security key of software, as OpenSSH's SecurityKeyProvider, for
 * tests on machines that have none: ed25519 only, the user always present.
 * Its key handle is the secret key itself.
 *
 *	ssh-keygen -t ed25519-sk -w /path/sk_soft.so -N '' -f key
 *	ssh -o SecurityKeyProvider=/path/sk_soft.so -i key ...
 *
 * Source: PROTOCOL.u2f of OpenSSH; the shape of its API, version 10.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define VERSION		UINT32_C(0x000a0000)
#define ALG_ED25519	1
#define UNSUPPORTED	(-2)
#define GENERAL		(-1)
#define PRESENT		0x01

struct bytes {
	uint8_t *p;
	size_t n;
};

/* As in sk-api.h, where each pair of a pointer and a length is two fields. */
struct enrolled {
	uint8_t flags;
	struct bytes public_key, key_handle, signature, cert, authdata;
};

struct signature {
	uint8_t flags;
	uint32_t counter;
	struct bytes r, s;
};

uint32_t sk_api_version(void);
int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len,
	const char *application, uint8_t flags, const char *pin,
	void **options, struct enrolled **ret);
int sk_sign(uint32_t alg, const uint8_t *data, size_t len,
	const char *application, const uint8_t *handle, size_t handle_len,
	uint8_t flags, const char *pin, void **options,
	struct signature **ret);
int sk_load_resident_keys(const char *pin, void **options, void ***ret,
	size_t *ret_n);

uint32_t
sk_api_version(void)
{
	return VERSION;
}

int
sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len,
    const char *application, uint8_t flags, const char *pin, void **options,
    struct enrolled **ret)
{
	struct enrolled *r = calloc(1, sizeof(*r));

	if (r == NULL || alg != ALG_ED25519) {
		free(r);
		return UNSUPPORTED;
	}
	r->flags = flags;
	r->public_key.n = crypto_sign_PUBLICKEYBYTES;
	r->key_handle.n = crypto_sign_SECRETKEYBYTES;
	r->public_key.p = malloc(r->public_key.n);
	r->key_handle.p = malloc(r->key_handle.n);
	/* Of what made it nothing is proven. */
	r->signature.p = calloc(1, 1);
	r->cert.p = calloc(1, 1);
	r->authdata.p = calloc(1, 1);
	if (r->public_key.p == NULL || r->key_handle.p == NULL ||
	    crypto_sign_keypair(r->public_key.p, r->key_handle.p) != 0)
		return GENERAL;
	*ret = r;
	return 0;
}

int
sk_sign(uint32_t alg, const uint8_t *data, size_t len,
    const char *application, const uint8_t *handle, size_t handle_len,
    uint8_t flags, const char *pin, void **options, struct signature **ret)
{
	uint8_t signed_[32 + 1 + 4 + 32] = { 0 };
	struct signature *r = calloc(1, sizeof(*r));

	if (r == NULL || alg != ALG_ED25519 ||
	    handle_len != crypto_sign_SECRETKEYBYTES) {
		free(r);
		return UNSUPPORTED;
	}
	r->flags = PRESENT;
	r->counter = 1;
	crypto_hash_sha256(signed_, (const uint8_t *)application,
	    strlen(application));
	signed_[32] = r->flags;
	signed_[36] = (uint8_t)r->counter;	/* big endian */
	crypto_hash_sha256(signed_ + 37, data, len);
	r->r.n = crypto_sign_BYTES;
	r->r.p = malloc(r->r.n);
	if (r->r.p == NULL || crypto_sign_detached(r->r.p, NULL, signed_,
	    sizeof(signed_), handle) != 0)
		return GENERAL;
	*ret = r;
	return 0;
}

int
sk_load_resident_keys(const char *pin, void **options, void ***ret,
    size_t *ret_n)
{
	*ret = NULL;
	*ret_n = 0;
	return 0;
}
