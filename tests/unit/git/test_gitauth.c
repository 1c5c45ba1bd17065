/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <sodium.h>

#include "base/buf.h"
#include "gitauth.h"
#include "keys.h"

/* ssh-keygen -lf of this key says so. */
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICsoQbzMktlcg1F7" \
	"BFTChMLVQcbnCC23jG+Fgkd/HuVx"
#define FP  "SHA256:TNCWi8sqcLzLwiR4Cg3ylmYrul7sNcBgbZ89SdUvxmo"

static void
check(const char *text, const char *want)
{
	char fp[GITWIRE_FP] = "?";

	assert_false(gitauth_fp(text, strlen(text), fp));
	assert_string_equal(fp, want);
}

static void
add_string(struct buf *out, const void *data, size_t len)
{
	const char head[4] = { 0, 0, (char)(len >> 8), (char)len };

	assert_int_equal(buf_add(out, head, 4), 0);
	assert_int_equal(buf_add(out, data, len), 0);
}

/* What a certificate of the key begins with, up to the key's end; cut: less
 * bytes of it. As SSH_USER_AUTH has it. */
static const char *
cert_line(const char *type, const char *key, const char *b64, size_t cut)
{
	static char line[8192];
	unsigned char blob[4096];
	struct buf cert;
	size_t n, head = 4 + strlen(key);
	int at;

	assert_int_equal(sodium_base642bin(blob, sizeof(blob), b64,
	    strlen(b64), NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
	buf_init(&cert, sizeof(blob));
	add_string(&cert, type, strlen(type));
	add_string(&cert, "a nonce", 7);
	assert_int_equal(buf_add(&cert, (char *)blob + head, n - head), 0);
	if (cut == 0)
		assert_int_equal(buf_add(&cert, "and more", 8), 0);
	at = snprintf(line, sizeof(line), "publickey %s ", type);
	sodium_bin2base64(line + at, sizeof(line) - (size_t)at,
	    (unsigned char *)cert.data, cert.len - cut,
	    sodium_base64_VARIANT_ORIGINAL);
	buf_clear(&cert);
	return line;
}

#define CERT(t) t "-cert-v01@openssh.com"
static const struct { const char *cert, *type, *key, *fp; } certs[] = {
	{ CERT(T_ED), T_ED, K_ED, FP_ED },
	{ CERT("sk-ssh-ed25519"), T_SKED, K_SKED, FP_SKED },
	{ CERT(T_P256), T_P256, K_P256, FP_P256 },
	{ CERT(T_P384), T_P384, K_P384, FP_P384 },
	{ CERT(T_P521), T_P521, K_P521, FP_P521 },
	{ CERT("sk-ecdsa-sha2-nistp256"), T_SKEC, K_SKEC, FP_SKEC },
	{ CERT(T_RSA2), T_RSA2, K_RSA2, FP_RSA2 },
};

static void
of_a_certificate_it_is_that_of_its_key(void **state)
{
	static const char real[] = "publickey " LINE(CERT) "\n";
	char fp[GITWIRE_FP];
	const char *line;
	size_t i;

	assert_true(gitauth_fp(real, strlen(real), fp));
	assert_string_equal(fp, FP_P256);
	for (i = 0; i < sizeof(certs) / sizeof(certs[0]); i++) {
		line = cert_line(certs[i].cert, certs[i].type, certs[i].key,
		    0);
		assert_true(gitauth_fp(line, strlen(line), fp));
		assert_string_equal(fp, certs[i].fp);
		check(cert_line(certs[i].cert, certs[i].type, certs[i].key,
		    1), "-");
	}
}

static void
the_key_that_let_in_is_found(void **state)
{
	check("publickey " KEY "\n", FP);
	check("publickey " KEY, FP);
	check("password\npublickey " KEY "\n", FP);
	check("publickey " KEY "\nkeyboard-interactive/pam\n", FP);
}

static void
what_is_no_key_is_a_dash(void **state)
{
	check("", "-");
	check("password\n", "-");
	check("publickey", "-");
	check("publickey ssh-ed25519\n", "-");
	check("publickey ssh-ed25519 !!!!\n", "-");
	check("publickey ssh-ed25519 \n", "-");
	check("hostbased " KEY "\n", "-");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_that_let_in_is_found),
		cmocka_unit_test(what_is_no_key_is_a_dash),
		cmocka_unit_test(of_a_certificate_it_is_that_of_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
