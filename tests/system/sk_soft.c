/* SPDX-License-Identifier: ISC */
/*
 * sk_soft: a security key of software, as OpenSSH's SecurityKeyProvider, for
 * tests on machines that have none: both types, the user always present. Its
 * key handle is the secret key itself. ECDSA is libcrypto's, which each
 * program that loads this has loaded already; its headers are not wanted.
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
#define ALG_ECDSA	0
#define ALG_ED25519	1
#define P256		415	/* NID_X9_62_prime256v1 */
#define P256_BYTES	32
#define P256_POINT	(1 + 2 * P256_BYTES)
#define UNCOMPRESSED	4
#define UNSUPPORTED	(-2)
#define GENERAL		(-1)
#define PRESENT		0x01

struct bignum;
struct ec_group;
struct ec_key;
struct ec_point;
struct ecdsa_sig;

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

/* Source: openssl/ec.h, openssl/ecdsa.h, openssl/bn.h of OpenSSL 3. */
struct ec_key *EC_KEY_new_by_curve_name(int nid);
void EC_KEY_free(struct ec_key *k);
int EC_KEY_generate_key(struct ec_key *k);
int EC_KEY_set_private_key(struct ec_key *k, const struct bignum *n);
const struct bignum *EC_KEY_get0_private_key(const struct ec_key *k);
const struct ec_point *EC_KEY_get0_public_key(const struct ec_key *k);
const struct ec_group *EC_KEY_get0_group(const struct ec_key *k);
size_t EC_POINT_point2oct(const struct ec_group *g, const struct ec_point *p,
	int form, uint8_t *out, size_t len, void *ctx);
struct ecdsa_sig *ECDSA_do_sign(const uint8_t *digest, int len,
	struct ec_key *k);
void ECDSA_SIG_get0(const struct ecdsa_sig *s, const struct bignum **r,
	const struct bignum **ss);
void ECDSA_SIG_free(struct ecdsa_sig *s);
struct bignum *BN_bin2bn(const uint8_t *in, int len, struct bignum *out);
int BN_bn2binpad(const struct bignum *n, uint8_t *out, int len);
void BN_free(struct bignum *n);

static int
ec_keypair(struct enrolled *r)
{
	struct ec_key *k = EC_KEY_new_by_curve_name(P256);
	int rc = -1;

	if (k != NULL && EC_KEY_generate_key(k) == 1 &&
	    EC_POINT_point2oct(EC_KEY_get0_group(k),
	    EC_KEY_get0_public_key(k), UNCOMPRESSED, r->public_key.p,
	    P256_POINT, NULL) == P256_POINT &&
	    BN_bn2binpad(EC_KEY_get0_private_key(k), r->key_handle.p,
	    P256_BYTES) == P256_BYTES)
		rc = 0;
	EC_KEY_free(k);
	return rc;
}

static int
ec_sign(const uint8_t *data, size_t len, const uint8_t *handle,
    struct signature *ret)
{
	struct ec_key *k = EC_KEY_new_by_curve_name(P256);
	struct bignum *n = BN_bin2bn(handle, P256_BYTES, NULL);
	const struct bignum *r, *s;
	struct ecdsa_sig *sig = NULL;
	uint8_t digest[32];
	int rc = -1;

	crypto_hash_sha256(digest, data, len);
	ret->r.n = ret->s.n = P256_BYTES;
	ret->r.p = malloc(P256_BYTES);
	ret->s.p = malloc(P256_BYTES);
	if (k != NULL && n != NULL && ret->r.p != NULL && ret->s.p != NULL &&
	    EC_KEY_set_private_key(k, n) == 1 &&
	    (sig = ECDSA_do_sign(digest, sizeof(digest), k)) != NULL) {
		ECDSA_SIG_get0(sig, &r, &s);
		if (BN_bn2binpad(r, ret->r.p, P256_BYTES) == P256_BYTES &&
		    BN_bn2binpad(s, ret->s.p, P256_BYTES) == P256_BYTES)
			rc = 0;
	}
	ECDSA_SIG_free(sig);
	BN_free(n);
	EC_KEY_free(k);
	return rc;
}

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

	if (r == NULL || (alg != ALG_ED25519 && alg != ALG_ECDSA)) {
		free(r);
		return UNSUPPORTED;
	}
	r->flags = flags;
	r->public_key.n = alg == ALG_ECDSA ? P256_POINT :
	    crypto_sign_PUBLICKEYBYTES;
	r->key_handle.n = alg == ALG_ECDSA ? P256_BYTES :
	    crypto_sign_SECRETKEYBYTES;
	r->public_key.p = malloc(r->public_key.n);
	r->key_handle.p = malloc(r->key_handle.n);
	/* Of what made it nothing is proven. */
	r->signature.p = calloc(1, 1);
	r->cert.p = calloc(1, 1);
	r->authdata.p = calloc(1, 1);
	if (r->public_key.p == NULL || r->key_handle.p == NULL ||
	    (alg == ALG_ECDSA ? ec_keypair(r) : crypto_sign_keypair(
	    r->public_key.p, r->key_handle.p)) != 0)
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

	if (r == NULL || (alg != ALG_ED25519 && alg != ALG_ECDSA) ||
	    handle_len != (alg == ALG_ECDSA ? P256_BYTES :
	    crypto_sign_SECRETKEYBYTES)) {
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
	*ret = r;
	if (alg == ALG_ECDSA)
		return ec_sign(signed_, sizeof(signed_), handle, r) == 0 ? 0 :
		    GENERAL;
	r->r.n = crypto_sign_BYTES;
	r->r.p = malloc(r->r.n);
	if (r->r.p == NULL || crypto_sign_detached(r->r.p, NULL, signed_,
	    sizeof(signed_), handle) != 0)
		return GENERAL;
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
