/* SPDX-License-Identifier: ISC */
#include "ssh/edkey.h"

#include <sodium.h>
#include <string.h>

#define TYPE "ssh-ed25519"
#define MAGIC "openssh-key-v1"		/* its NUL belongs to it */
#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define END "-----END OPENSSH PRIVATE KEY-----\n"
#define LINE 70
#define BLOCK 8				/* what "none" pads to */
#define ROOM 1024

#define PK crypto_sign_PUBLICKEYBYTES
#define SK crypto_sign_SECRETKEYBYTES
#define BLOB (4 + sizeof(TYPE) - 1 + 4 + PK)
/* Two check numbers, the key and an empty comment. */
#define PRIVATE (4 + 4 + BLOB + 4 + SK + 4)
#define PADDED ((PRIVATE + BLOCK - 1) / BLOCK * BLOCK)

_Static_assert(EDKEY_SEED == crypto_sign_SEEDBYTES, "the seed's size");

struct out {
	unsigned char *p;
	size_t n;
};

static void
put(struct out *o, const void *data, size_t len)
{
	memcpy(o->p + o->n, data, len);
	o->n += len;
}

static void
put_u32(struct out *o, size_t v)
{
	const unsigned char b[4] = { (unsigned char)(v >> 24),
		(unsigned char)(v >> 16), (unsigned char)(v >> 8),
		(unsigned char)v };

	put(o, b, sizeof(b));
}

static void
put_string(struct out *o, const void *data, size_t len)
{
	put_u32(o, len);
	put(o, data, len);
}

static void
put_public(struct out *o, const unsigned char *pk)
{
	put_string(o, TYPE, sizeof(TYPE) - 1);
	put_string(o, pk, PK);
}

struct secret *
edkey_new(struct err *e)
{
	struct secret *s = secret_new(EDKEY_SEED, e);

	if (s != NULL)
		randombytes_buf(secret_data_mut(s), EDKEY_SEED);
	return s;
}

/* Both halves of the pair: the secret one holds the public one at its end. */
static struct secret *
expand(const struct secret *seed, unsigned char pk[PK], struct err *e)
{
	struct secret *sk = secret_new(SK, e);

	if (sk != NULL)
		crypto_sign_seed_keypair(pk, secret_data_mut(sk),
		    secret_data(seed));
	return sk;
}

int
edkey_public(const struct secret *seed, struct buf *out, struct err *e)
{
	unsigned char pk[PK], blob[BLOB];
	char text[sodium_base64_ENCODED_LEN(BLOB,
	    sodium_base64_VARIANT_ORIGINAL)];
	struct out o = { .p = blob };
	struct secret *sk = expand(seed, pk, e);

	if (sk == NULL)
		return -1;
	secret_free(sk);
	put_public(&o, pk);
	sodium_bin2base64(text, sizeof(text), blob, o.n,
	    sodium_base64_VARIANT_ORIGINAL);
	if (buf_addf(out, TYPE " %s", text) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

static void
put_private(struct out *o, const unsigned char *pk, const unsigned char *sk)
{
	unsigned char check[4], pad;

	put(o, MAGIC, sizeof(MAGIC));
	put_string(o, "none", 4);	/* cipher */
	put_string(o, "none", 4);	/* key derivation */
	put_string(o, "", 0);
	put_u32(o, 1);
	put_u32(o, BLOB);
	put_public(o, pk);
	put_u32(o, PADDED);
	randombytes_buf(check, sizeof(check));
	put(o, check, sizeof(check));
	put(o, check, sizeof(check));
	put_public(o, pk);
	put_string(o, sk, SK);
	put_string(o, "", 0);		/* comment */
	for (pad = 1; pad <= PADDED - PRIVATE; pad++)
		put(o, &pad, 1);
}

/* text: base64 of len bytes in lines, between the two marks. */
static size_t
armour(char *text, const unsigned char *bin, size_t len)
{
	size_t n = 0, off, part;

	memcpy(text, BEGIN, sizeof(BEGIN) - 1);
	n += sizeof(BEGIN) - 1;
	/* As many bytes as make whole groups and fit in a line. */
	for (off = 0; off < len; off += part) {
		part = LINE / 4 * 3;
		if (part > len - off)
			part = len - off;
		sodium_bin2base64(text + n, ROOM - n, bin + off, part,
		    sodium_base64_VARIANT_ORIGINAL);
		n += strlen(text + n);
		text[n++] = '\n';
	}
	memcpy(text + n, END, sizeof(END) - 1);
	return n + sizeof(END) - 1;
}

struct secret *
edkey_private(const struct secret *seed, struct err *e)
{
	struct secret *sk = NULL, *bin = NULL, *text = NULL;
	unsigned char pk[PK];
	struct out o;

	sk = expand(seed, pk, e);
	bin = secret_new(ROOM, e);
	text = secret_new(ROOM, e);
	if (sk != NULL && bin != NULL && text != NULL) {
		o = (struct out){ .p = secret_data_mut(bin) };
		put_private(&o, pk, secret_data(sk));
		secret_cut(text, armour((char *)secret_data_mut(text),
		    secret_data(bin), o.n));
	} else {
		secret_free(text);
		text = NULL;
	}
	secret_free(sk);
	secret_free(bin);
	return text;
}
