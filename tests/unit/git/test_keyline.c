/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <sodium.h>

#include "failmalloc.h"
#include "keyline.h"
#include "keys.h"

#define ED LINE(ED)

static struct keyline k;
static struct err e;

static int
parse_n(const char *text, size_t len)
{
	memset(&k, 0, sizeof(k));
	e = (struct err)ERR_INIT;
	return keyline_parse(text, len, &k, &e);
}

static int
parse(const char *text)
{
	return parse_n(text, strlen(text));
}

static void
keys_of_each_type_have_the_fingerprint_that_ssh_keygen_shows(void **state)
{
	static const struct { const char *line, *fp; unsigned bits; } t[] = {
		{ LINE(ED), FP_ED, 0 }, { LINE(SKED), FP_SKED, 0 },
		{ LINE(P256), FP_P256, 0 }, { LINE(P384), FP_P384, 0 },
		{ LINE(P521), FP_P521, 0 }, { LINE(SKEC), FP_SKEC, 0 },
		{ LINE(RSA1), FP_RSA1, 1024 }, { LINE(RSA2), FP_RSA2, 2048 },
	};
	unsigned char fp[KEYLINE_FP];
	char text[KEYLINE_FP_TEXT];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].line) == -1)
			fail_msg("%s: %s", t[i].line, e.msg);
		keyline_fp_text(k.fp, text);
		assert_string_equal(text, t[i].fp);
		assert_int_equal(k.bits, t[i].bits);
		assert_int_equal(keyline_fp_parse(text, fp, &e), 0);
		assert_memory_equal(fp, k.fp, sizeof(fp));
	}
}

static void
a_pub_file_may_have_a_comment_and_one_line_end(void **state)
{
	static const char *const t[] = { ED, ED "\n", ED "\r\n", ED " me@pc",
		ED " a b  c\n", ED " jos\xc3\xa9\r\n", " " ED " \n",
		T_ED "\t" K_ED "\tx", ED " c:\\users\\me", ED " --x",
		ED " \"q\"" };
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i]) == -1)
			fail_msg("%s: %s", t[i], e.msg);
		assert_int_equal(k.line.key.len, strlen(K_ED));
		assert_memory_equal(k.line.key.p, K_ED, strlen(K_ED));
		assert_int_equal(k.line.options.len, 0);
	}
	assert_int_equal(parse(ED " me\r\n"), 0);
	assert_int_equal(k.line.comment.len, 2);
}

static void
what_is_no_key_is_refused_with_its_reason(void **state)
{
	static const struct { const char *text, *why; } t[] = {
		{ "", "empty" }, { "\n", "empty" }, { "\r\n", "empty" },
		{ " \n", "blank" }, { "# x", "blank, or a comment" },
		{ ED "\n" ED "\n", "more than one line" },
		{ ED "\n\n", "more than one line" },
		{ "\n" ED, "more than one line" },
		{ ED "\r", "(byte 0x0d)" }, { ED "\r\r\n", "(byte 0x0d)" },
		{ ED " a\rb", "(byte 0x0d)" }, { ED " a\x0b", "0x0b" },
		{ T_ED "\x0b" K_ED, "0x0b" }, { ED " \x1b[2J", "0x1b" },
		{ ED " \x7f", "0x7f" },
		{ ED " a\x85z", "not seen, or no UTF-8" },
		{ ED " a\xc2\x85z", "not seen, or no UTF-8" },
		{ ED " a\xe2\x80\xa8z", "not seen, or no UTF-8" },
		{ ED " a\xe2\x80\xaez", "not seen, or no UTF-8" },
		{ ED " jos\xe9", "not seen, or no UTF-8" },
		{ ED "\xe2\x80\xa8" ED, "not seen, or no UTF-8" },
		{ "\xef\xbb\xbf" ED, "not seen, or no UTF-8" },
		{ "restrict " ED, "options in front" },
		{ "command=\"id\" " ED, "options in front" },
		{ "from=\"*\",command=\"a b\" " ED, "options in front" },
		{ "alice " ED, "options in front" },
		{ "command=\"id " ED, "quote that is not closed" },
		{ T_CERT " " K_CERT, "a certificate" },
		{ T_DSA " " K_DSA, "a DSA key" },
		{ T_RSA2 " " K_ED, "not one of its type" },
		{ T_ED " " K_RSA2, "not one of its type" },
		{ T_P384 " " K_P256, "not one of its type" },
		{ T_ED " AAAA", "not one of its type, or cut" },
		{ T_ED, "no base64" }, { K_ED, "no type of key" },
		{ T_ED " " K_ED "=", "no base64" },
		{ T_ED " !" K_ED, "no base64" },
		{ "ssh-ed448 " K_ED, "no type of key" },
		{ "SSH-ED25519 " K_ED, "no type of key" },
		{ "ssh-xmss@openssh.com " K_ED, "no type of key" },
		{ "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n",
		    "this is a private key" },
		{ "-----BEGIN RSA PRIVATE KEY-----\n", "a private key" },
		{ "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "a private" },
		{ "PuTTY-User-Key-File-3: ssh-ed25519\n", "PuTTY's file" },
		{ "---- BEGIN SSH2 PUBLIC KEY ----\n", "(RFC 4716)" },
		{ "-----BEGIN PUBLIC KEY-----\n", "(PKCS8)" },
		{ "-----BEGIN CERTIFICATE-----\n", "of TLS" },
	};
	static char big[1 << 20];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].text) != -1)
			fail_msg("taken: %s", t[i].text);
		assert_err(&e, ERR_CONFIG, t[i].why);
		assert_null(k.line.type.p);
	}
	assert_int_equal(parse_n(ED " \0x", sizeof(ED) + 2), -1);
	assert_err(&e, ERR_CONFIG, "0x00");
	assert_int_equal(parse_n(T_ED "\0" K_ED, sizeof(ED) - 1), -1);
	assert_err(&e, ERR_CONFIG, "0x00");
	memset(big, 'A', sizeof(big));
	memcpy(big, ED " ", sizeof(ED));
	assert_int_equal(parse_n(big, sizeof(big)), -1);
	assert_err(&e, ERR_CONFIG, "longer than");
	assert_int_equal(parse_n(big, KEYLINE_MAX), 0);
	assert_int_equal(parse_n(big, KEYLINE_MAX + 1), -1);
}

/* A line whose blob is made of the strings of which one of n begins each
 * part: "\5first\6second". */
static const char *
made(const char *type, const unsigned char *parts, size_t n)
{
	static char line[KEYLINE_MAX + 1];
	unsigned char blob[KEYLINE_MAX / 2];
	size_t at = 0, len = strlen(type);

	memcpy(blob, "\0\0\0", 3);
	blob[3] = (unsigned char)len;
	memcpy(blob + 4, type, len);
	at = 4 + len;
	memcpy(blob + at, parts, n);
	at += n;
	len = (size_t)snprintf(line, sizeof(line), "%s ", type);
	sodium_bin2base64(line + len, sizeof(line) - len, blob, at,
	    sodium_base64_VARIANT_ORIGINAL);
	return line;
}

#define MADE(type, parts) \
	made(type, (const unsigned char *)(parts), sizeof(parts) - 1)
#define X16	"xxxxxxxxxxxxxxxx"
#define X32	X16 X16
#define X64	X32 X32
#define E3	"\0\0\0\3\1\0\1"

static void
a_blob_is_one_key_of_its_type_and_nothing_more(void **state)
{
	assert_int_equal(parse(MADE("ssh-ed25519", "\0\0\0\x20" X32)), 0);
	/* core/ssh/authkeys knows these lengths already. */
	assert_int_equal(parse(MADE("ssh-ed25519", "\0\0\0\x20" X32 "x")),
	    -1);
	assert_int_equal(parse(MADE("ssh-ed25519", "\0\0\0\x1f" X32)), -1);
	assert_err(&e, ERR_CONFIG, "not of 32 bytes");
	assert_int_equal(parse(MADE("ssh-ed25519", "\0\0\0\x21" X32)), -1);
	assert_err(&e, ERR_CONFIG, "cut off");
	assert_int_equal(parse(MADE("ssh-ed25519", "\xff\xff\xff\xff" X32)),
	    -1);
	assert_err(&e, ERR_CONFIG, "cut off");

	assert_int_equal(parse(MADE(T_SKED, "\0\0\0\x20" X32 "\0\0\0\4ssh:")),
	    0);
	assert_int_equal(parse(MADE(T_SKED, "\0\0\0\x20" X32)), -1);
	assert_err(&e, ERR_CONFIG, "cut off");
	assert_int_equal(parse(MADE(T_SKED, "\0\0\0\x20" X32 "\0\0\0\0")), -1);
	assert_err(&e, ERR_CONFIG, "application");
	assert_int_equal(parse(MADE(T_SKED, "\0\0\0\x20" X32 "\0\0\0\2a\0")),
	    -1);
	assert_err(&e, ERR_CONFIG, "application");
	assert_int_equal(parse(MADE(T_SKED, "\0\0\0\x20" X32 "\0\0\0\4ssh:"
	    "\0\0\0\0")), -1);
	assert_err(&e, ERR_CONFIG, "something follows");

	assert_int_equal(parse(MADE(T_SKEC, "\0\0\0\x8nistp384\0\0\0\x41\4"
	    X64 "\0\0\0\4ssh:")), -1);
	assert_err(&e, ERR_CONFIG, "another curve");
	assert_int_equal(parse(MADE(T_SKEC, "\0\0\0\x8nistp256\0\0\0\x41\4"
	    X64 "\0\0\0\4ssh:")), 0);
	assert_int_equal(parse(MADE(T_P256, "\0\0\0\x8nistp256\0\0\0\x41\2"
	    X64)), -1);
	assert_err(&e, ERR_CONFIG, "no point");
	assert_int_equal(parse(MADE(T_SKEC, "\0\0\0\x8nistp256\0\0\0\x21\4"
	    X32 "\0\0\0\4ssh:")), -1);
	assert_err(&e, ERR_CONFIG, "no point");
}

static void
an_rsa_key_has_two_numbers_of_a_sane_size(void **state)
{
	static const struct { const char *parts; size_t n; const char *why;
	} t[] = {
#define ROW(s, why) { s, sizeof(s) - 1, why }
		ROW(E3 "\0\0\0\x81\0\x81" X64 X32 X16 "xxxxxxxxxxxxxx\1",
		    NULL),
		ROW(E3 "\0\0\0\x80\x41" X64 X32 X16 "xxxxxxxxxxxxxx\1",
		    "not of 1024 to"),
		/* Even, negative, with a zero too many. */
		ROW(E3 "\0\0\0\x81\0\x81" X64 X32 X16 "xxxxxxxxxxxxxx\2",
		    "not of 1024 to"),
		ROW(E3 "\0\0\0\x80\x81" X64 X32 X16 "xxxxxxxxxxxxxx\1",
		    "not of 1024 to"),
		ROW(E3 "\0\0\0\x82\0\0\x81" X64 X32 X16 "xxxxxxxxxxxxxx\1",
		    "not of 1024 to"),
		ROW(E3 "\0\0\0\0", "not of 1024 to"),
		ROW(E3 "\0\0\0\1\0", "not of 1024 to"),
		ROW(E3, "cut off"),
		ROW("\0\0\0\1\1" "\0\0\0\1\1", "exponent"),
		ROW("\0\0\0\1\2" "\0\0\0\1\1", "exponent"),
		ROW("\0\0\0\0" "\0\0\0\1\1", "exponent"),
		ROW("\0\0\0\2\0\3" "\0\0\0\1\1", "exponent"),
		ROW("\0\0\0\1\x83" "\0\0\0\1\1", "exponent"),
		ROW("\0\0\0\x9\1\1\1\1\1\1\1\1\1" "\0\0\0\1\1", "exponent"),
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (t[i].why == NULL) {
			if (parse(made("ssh-rsa", (const unsigned char *)
			    t[i].parts, t[i].n)) == -1)
				fail_msg("%zu: %s", i, e.msg);
			continue;
		}
		if (parse(made("ssh-rsa", (const unsigned char *)t[i].parts,
		    t[i].n)) != -1)
			fail_msg("taken: %zu", i);
		assert_err(&e, ERR_CONFIG, t[i].why);
	}
}

static void
a_line_with_options_can_be_looked_into_all_the_same(void **state)
{
	struct authkeys_line line;
	const char *text = "command=\"x y\" " ED " me";

	assert_int_equal(authkeys_parse(text, strlen(text), &line, &e), 0);
	assert_int_equal(keyline_of(&line, &k, &e), 0);
	assert_int_equal(k.line.options.len, strlen("command=\"x y\""));
	text = "cert-authority " T_CERT " " K_CERT;
	assert_int_equal(authkeys_parse(text, strlen(text), &line, &e), 0);
	assert_int_equal(keyline_of(&line, &k, &e), -1);
	assert_err(&e, ERR_CONFIG, "a certificate");
}

static void
fingerprints_of_another_form_are_refused(void **state)
{
	static const char *const t[] = { "", "SHA256:", "MD5:00:11",
		FP_ED "=", FP_ED "A", "sha256:p2QA", "SHA256:%f",
		"SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQ",
		/* Digits that have bits beyond the last byte. */
		"SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQN",
		"SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUf-M" };
	unsigned char fp[KEYLINE_FP];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(keyline_fp_parse(t[i], fp, &e), -1);
		assert_err(&e, ERR_CONFIG, "no fingerprint");
	}
}

static void
out_of_memory_is_an_error(void **state)
{
	failmalloc_arm(1);
	assert_int_equal(parse(ED " me"), -1);
	assert_true(failmalloc_disarm());
	assert_int_equal(e.code, ERR_MEM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
	    keys_of_each_type_have_the_fingerprint_that_ssh_keygen_shows),
		cmocka_unit_test(
		    a_pub_file_may_have_a_comment_and_one_line_end),
		cmocka_unit_test(what_is_no_key_is_refused_with_its_reason),
		cmocka_unit_test(
		    a_blob_is_one_key_of_its_type_and_nothing_more),
		cmocka_unit_test(an_rsa_key_has_two_numbers_of_a_sane_size),
		cmocka_unit_test(
		    a_line_with_options_can_be_looked_into_all_the_same),
		cmocka_unit_test(fingerprints_of_another_form_are_refused),
		cmocka_unit_test(out_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
