/* SPDX-License-Identifier: ISC */
#include "keyline.h"

#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "base/esc.h"

_Static_assert(KEYLINE_FP == crypto_hash_sha256_BYTES, "SHA-256");
_Static_assert(KEYLINE_FP_TEXT == 7 + sodium_base64_ENCODED_LEN(KEYLINE_FP,
    sodium_base64_VARIANT_ORIGINAL_NO_PADDING), "its text");

#define BLOB_MAX	(KEYLINE_MAX / 4 * 3)
#define RSA_MIN_BITS	1024
#define RSA_MAX_BITS	16384
#define RSA_E_MAX	8		/* bytes of the exponent */
#define APP_MAX		255		/* bytes of an application's name */

/* What is left of a blob. */
struct left {
	const unsigned char *p;
	size_t n;
};

/* What a type's blob has behind its name: a letter a field. */
static const struct type {
	const char *name;
	const char *fields;	/* e, n: RSA's numbers; c: the curve's name;
				 * q: a point on it; k: an ed25519 key;
				 * a: an application's name */
	const char *curve;
	size_t point;		/* bytes */
} types[] = {
	{ "ssh-ed25519", "k" },
	{ "sk-ssh-ed25519@openssh.com", "ka" },
	{ "ecdsa-sha2-nistp256", "cq", "nistp256", 65 },
	{ "ecdsa-sha2-nistp384", "cq", "nistp384", 97 },
	{ "ecdsa-sha2-nistp521", "cq", "nistp521", 133 },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", "cqa", "nistp256", 65 },
	{ "ssh-rsa", "en" },
};

static int
refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_CONFIG, "%s", why);
}

static bool
is(const struct authkeys_part *w, const char *want)
{
	return w->len == strlen(want) && memcmp(w->p, want, w->len) == 0;
}

/* The next string of the blob. */
static bool
get(struct left *b, struct left *ret)
{
	size_t n;

	if (b->n < 4)
		return false;
	n = (size_t)b->p[0] << 24 | (size_t)b->p[1] << 16 |
	    (size_t)b->p[2] << 8 | b->p[3];
	if (n > b->n - 4)
		return false;
	*ret = (struct left){ b->p + 4, n };
	b->p += 4 + n;
	b->n -= 4 + n;
	return true;
}

/* Bits of a positive number in its shortest form; 0: it is none. */
static unsigned
number_bits(const struct left *s)
{
	const unsigned char *p = s->p;
	size_t n = s->n;
	unsigned bits;

	if (n == 0 || n > RSA_MAX_BITS / 8 + 1 || (p[0] & 0x80) != 0)
		return 0;
	if (p[0] == 0) {
		if (n == 1 || (p[1] & 0x80) == 0)
			return 0;
		p++;
		n--;
	}
	bits = (unsigned)(n - 1) * 8;
	for (n = p[0]; n != 0; n >>= 1)
		bits++;
	return bits;
}

static bool
odd(const struct left *s)
{
	return (s->p[s->n - 1] & 1) != 0;
}

/* One field of the letter c. */
static int
check_field(const struct type *t, char c, const struct left *s,
    unsigned *bits, struct err *e)
{
	switch (c) {
	case 'k':
		if (s->n != 32)
			return refuse(e, "an ed25519 key that is not of 32 "
			    "bytes");
		return 0;
	case 'c':
		if (s->n != strlen(t->curve) ||
		    memcmp(s->p, t->curve, s->n) != 0)
			return refuse(e, "a key on another curve than its "
			    "type says");
		return 0;
	case 'q':
		if (s->n != t->point || s->p[0] != 4)
			return refuse(e, "a key that is no point as its curve "
			    "has them");
		return 0;
	case 'a':
		if (s->n < 1 || s->n > APP_MAX || memchr(s->p, 0, s->n) !=
		    NULL)
			return refuse(e, "a security key's application that "
			    "is no name");
		return 0;
	case 'e':
		if (number_bits(s) < 2 || s->n > RSA_E_MAX || !odd(s))
			return refuse(e, "an RSA key whose exponent is none");
		return 0;
	default:
		*bits = number_bits(s);
		if (*bits < RSA_MIN_BITS || *bits > RSA_MAX_BITS || !odd(s))
			return err_set(e, ERR_CONFIG, "an RSA key that is "
			    "not of %d to %d bits", RSA_MIN_BITS,
			    RSA_MAX_BITS);
		return 0;
	}
}

static int
check_blob(const struct type *t, struct left b, unsigned *ret_bits,
    struct err *e)
{
	unsigned bits = 0;
	const char *f;
	struct left s;

	if (!get(&b, &s) || s.n != strlen(t->name) ||
	    memcmp(s.p, t->name, s.n) != 0)
		return refuse(e, "the key is of another type than the line "
		    "says");
	for (f = t->fields; *f != '\0'; f++) {
		if (!get(&b, &s))
			return refuse(e, "the key is cut off");
		if (check_field(t, *f, &s, &bits, e) == -1)
			return -1;
	}
	if (b.n > 0)
		return refuse(e, "something follows the key in its base64");
	*ret_bits = bits;
	return 0;
}

static const struct type *
type_of(const struct authkeys_part *name)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (is(name, types[i].name))
			return &types[i];
	return NULL;
}

int
keyline_of(const struct authkeys_line *line, struct keyline *ret,
    struct err *e)
{
	const struct type *t = type_of(&line->type);
	unsigned char blob[BLOB_MAX];
	struct keyline k = { .line = *line };
	size_t len = 0;

	if (is(&line->type, "ssh-dss"))
		return refuse(e, "a DSA key, which sshd takes no more: make "
		    "one with ssh-keygen -t ed25519");
	if (t == NULL)
		return refuse(e, "a certificate, not a key");
	if (sodium_base642bin(blob, sizeof(blob), line->key.p, line->key.len,
	    NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return refuse(e, "a key that is longer than any of its type");
	if (check_blob(t, (struct left){ blob, len }, &k.bits, e) == -1)
		return -1;
	crypto_hash_sha256(k.fp, blob, len);
	*ret = k;
	return 0;
}

/* Nothing in the line that is not seen, or that no UTF-8 has: nothing that
 * esc_text() would show as something else. A tab may stand between words. */
static int
check_text(const char *s, size_t len, struct err *e)
{
	char text[KEYLINE_MAX];
	struct buf shown;
	size_t i, want = len;
	int rc;

	for (i = 0; i < len; i++) {
		text[i] = s[i] == '\t' ? ' ' : s[i];
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return err_set(e, ERR_CONFIG, "a control character "
			    "(byte 0x%02x) in the line", (unsigned char)s[i]);
		want += text[i] == '\\';
	}
	buf_init(&shown, 4 * sizeof(text));
	rc = esc_text(&shown, text, len);
	want = shown.len - want;
	buf_clear(&shown);
	if (rc == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (want != 0)
		return refuse(e, "a character in the line that is not seen, or "
		    "no UTF-8");
	return 0;
}

/* What people paste in place of a public key. */
static const struct { const char *mark, *why; } others[] = {
	{ "PRIVATE KEY", "this is a private key: whoever saw it can use it. "
	    "Replace it, and give its .pub" },
	{ "PuTTY-User-Key-File", "this is PuTTY's file with a private key: "
	    "whoever saw it can use it. Replace it, and give the public "
	    "key's line" },
	{ "BEGIN SSH2 PUBLIC KEY", "a public key of another form (RFC 4716): "
	    "ssh-keygen -i -f FILE makes a line of it" },
	{ "BEGIN PUBLIC KEY", "a public key of another form (PKCS8): "
	    "ssh-keygen -i -m PKCS8 -f FILE makes a line of it" },
	{ "BEGIN CERTIFICATE", "a certificate of TLS, not a key of ssh" },
};

int
keyline_parse(const char *text, size_t len, struct keyline *ret,
    struct err *e)
{
	struct authkeys_line line;
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (memmem(text, len, others[i].mark,
		    strlen(others[i].mark)) != NULL)
			return refuse(e, others[i].why);
	if (len > 0 && text[len - 1] == '\n')
		len -= len > 1 && text[len - 2] == '\r' ? 2 : 1;
	if (len == 0)
		return refuse(e, "empty: there is no key in it");
	if (memchr(text, '\n', len) != NULL)
		return refuse(e, "more than one line; gitolite takes one key a "
		    "file");
	if (len > KEYLINE_MAX)
		return err_set(e, ERR_CONFIG, "longer than a key's line can "
		    "be (%d bytes)", KEYLINE_MAX);
	if (check_text(text, len, e) == -1 ||
	    authkeys_public(text, len, &line, e) == -1)
		return -1;
	return keyline_of(&line, ret, e);
}

void
keyline_fp_text(const unsigned char fp[KEYLINE_FP],
    char ret[KEYLINE_FP_TEXT])
{
	memcpy(ret, "SHA256:", 7);
	sodium_bin2base64(ret + 7, KEYLINE_FP_TEXT - 7, fp, KEYLINE_FP,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

int
keyline_fp_parse(const char *text, unsigned char ret[KEYLINE_FP],
    struct err *e)
{
	unsigned char fp[KEYLINE_FP];
	size_t len = 0;

	if (strnlen(text, KEYLINE_FP_TEXT) != KEYLINE_FP_TEXT - 1 ||
	    memcmp(text, "SHA256:", 7) != 0 ||
	    sodium_base642bin(fp, sizeof(fp), text + 7, KEYLINE_FP_TEXT - 8,
	    NULL, &len, NULL,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 ||
	    len != sizeof(fp))
		return refuse(e, "no fingerprint, which is SHA256: and 43 "
		    "digits of base64");
	memcpy(ret, fp, sizeof(fp));
	return 0;
}
