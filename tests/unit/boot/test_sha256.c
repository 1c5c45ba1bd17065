/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <sodium.h>

#include "sha256.h"

/* NIST's examples of FIPS 180-4. */
static void
the_examples_of_the_standard(void **state)
{
	static const struct { const char *text, *hex; } t[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb924"
		    "27ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223"
		    "b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		    "248d6a61d20638b8e5c026930c3e6039"
		    "a33ce45964ff2167f6ecedd419db06c1" },
	};
	unsigned char hash[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		sha256_of(t[i].text, strlen(t[i].text), hash);
		sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
		assert_string_equal(hex, t[i].hex);
	}
}

/* Each length about the ends of blocks, with bytes of all values. */
static void
every_length_is_as_libsodium_has_it(void **state)
{
	unsigned char data[1000], hash[SHA256_BYTES];
	unsigned char want[crypto_hash_sha256_BYTES];
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * i + 255 - i);
	for (i = 0; i <= sizeof(data); i++) {
		sha256_of(data, i, hash);
		crypto_hash_sha256(want, data, i);
		assert_memory_equal(hash, want, sizeof(want));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_standard),
		cmocka_unit_test(every_length_is_as_libsodium_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
