/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <sodium.h>

#include "ssh/edkey.h"

/* RFC 8032, 7.1, TEST 1: its secret key and its public one. */
static const unsigned char seed[EDKEY_SEED] = {
	0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
	0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
	0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60 };
#define PUBLIC "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4" \
	"XLz2qYjJa8CGmj3B1Ea"

static struct secret *
make(void)
{
	struct err e = ERR_INIT;
	struct secret *s = secret_new(EDKEY_SEED, &e);

	assert_non_null(s);
	memcpy(secret_data_mut(s), seed, sizeof(seed));
	return s;
}

static void
the_public_half_is_that_of_the_standard(void **state)
{
	struct secret *s = make();
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, 256);
	assert_int_equal(edkey_public(s, &b, &e), 0);
	assert_string_equal(b.data, PUBLIC);
	buf_clear(&b);
	secret_free(s);
}

/* tests/system/test_backup_direct.py has ssh read one. */
static void
the_private_file_holds_both_halves_and_is_armoured(void **state)
{
	static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
	static const char end[] = "-----END OPENSSH PRIVATE KEY-----\n";
	struct secret *s = make(), *f;
	struct err e = ERR_INIT;
	unsigned char bin[512];
	const char *text;
	size_t len, n;

	f = edkey_private(s, &e);
	assert_non_null(f);
	text = (const char *)secret_data(f);
	len = secret_len(f);
	assert_memory_equal(text, begin, sizeof(begin) - 1);
	assert_memory_equal(text + len - (sizeof(end) - 1), end,
	    sizeof(end) - 1);
	assert_int_equal(sodium_base642bin(bin, sizeof(bin),
	    text + sizeof(begin) - 1, len - sizeof(begin) - sizeof(end) + 2,
	    "\n", &n, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
	assert_memory_equal(bin, "openssh-key-v1\0\0\0\0\4none", 23);
	assert_non_null(memmem(bin, n, seed, sizeof(seed)));
	/* 1, 2, 3 … up to a whole block. */
	assert_int_equal(n, 234);
	assert_memory_equal(bin + n - 5, "\1\2\3\4\5", 5);
	secret_free(f);
	secret_free(s);
}

static void
two_new_seeds_differ(void **state)
{
	struct err e = ERR_INIT;
	struct secret *a = edkey_new(&e), *b = edkey_new(&e);

	assert_non_null(a);
	assert_non_null(b);
	assert_memory_not_equal(secret_data(a), secret_data(b), EDKEY_SEED);
	secret_free(a);
	secret_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_public_half_is_that_of_the_standard),
		cmocka_unit_test(
		    the_private_file_holds_both_halves_and_is_armoured),
		cmocka_unit_test(two_new_seeds_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
