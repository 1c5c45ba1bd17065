/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "lukshdr.h"

#define UUID "11111111-2222-4333-8444-555555555555"

static void
header(unsigned char p[LUKSHDR_BYTES], int version, const char *uuid)
{
	memset(p, 0, LUKSHDR_BYTES);
	memcpy(p, "LUKS\xba\xbe", 6);
	p[7] = (unsigned char)version;
	memcpy(p + 168, uuid, strlen(uuid));
}

static void
both_versions_say_their_uuid(void **state)
{
	unsigned char p[LUKSHDR_BYTES];
	char uuid[LUKSHDR_UUID];
	struct err e = ERR_INIT;
	int version;

	for (version = 1; version <= 2; version++) {
		header(p, version, UUID);
		assert_int_equal(lukshdr_parse(p, sizeof(p), uuid, &e), 0);
		assert_string_equal(uuid, UUID);
	}
}

static void
what_is_no_header_says_none(void **state)
{
	unsigned char p[LUKSHDR_BYTES];
	char uuid[LUKSHDR_UUID] = "kept";
	struct err e = ERR_INIT;

	header(p, 2, UUID);
	assert_int_equal(lukshdr_parse(p, sizeof(p) - 1, uuid, &e), -1);
	assert_err(&e, ERR_PEER, "no LUKS header");
	header(p, 3, UUID);
	assert_int_equal(lukshdr_parse(p, sizeof(p), uuid, &e), -1);
	header(p, 2, UUID);
	p[0] = 'S';
	assert_int_equal(lukshdr_parse(p, sizeof(p), uuid, &e), -1);
	header(p, 2, "../../etc/passwd");
	assert_int_equal(lukshdr_parse(p, sizeof(p), uuid, &e), -1);
	assert_err(&e, ERR_PEER, "without a UUID");
	header(p, 2, UUID "1234");		/* 40 bytes, and no NUL */
	assert_int_equal(lukshdr_parse(p, sizeof(p), uuid, &e), -1);
	header(p, 2, "");
	assert_int_equal(lukshdr_parse(p, sizeof(p), uuid, &e), -1);
	assert_string_equal(uuid, "kept");
}

static void
put(unsigned char *p, const char *json)
{
	memcpy(p + 4096, json, strlen(json) + 1);
}

static void
tokens_are_seen(void **state)
{
	unsigned char p[LUKSHDR_ALL] = { 0 };

	header(p, 1, UUID);
	assert_false(lukshdr_tokens(p, LUKSHDR_BYTES));
	header(p, 2, UUID);
	p[14] = LUKSHDR_ALL >> 8;
	assert_true(lukshdr_tokens(p, sizeof(p)));
	put(p, "{\"keyslots\":{},\"tokens\":{\"0\":{}}}");
	assert_true(lukshdr_tokens(p, sizeof(p)));
	put(p, "{\"keyslots\":{},\"tokens\":{},\"x\":{}}");
	assert_false(lukshdr_tokens(p, sizeof(p)));
	/* What can't be seen whole may have some. */
	assert_true(lukshdr_tokens(p, sizeof(p) - 1));
	p[14] = 4096 >> 8;
	assert_true(lukshdr_tokens(p, sizeof(p)));
	p[8] = 1;
	assert_true(lukshdr_tokens(p, sizeof(p)));
}

static void
a_uuid_is_hexadecimal(void **state)
{
	assert_true(lukshdr_uuid(UUID));
	assert_true(lukshdr_uuid("deadBEEF"));
	assert_false(lukshdr_uuid("deadbee"));
	assert_false(lukshdr_uuid(""));
	assert_false(lukshdr_uuid("--------"));
	assert_false(lukshdr_uuid("-11111111"));
	assert_false(lukshdr_uuid(UUID "x"));
	assert_false(lukshdr_uuid("1111 1111"));
}

static void
an_open_disk_is_known_by_all_its_digits(void **state)
{
	static const char d[] = "11111111222243338444555555555555";
	char dm[128];

	snprintf(dm, sizeof(dm), "CRYPT-LUKS2-%s-luks-root\n", d);
	assert_true(lukshdr_is_open(dm, UUID));
	dm[10] = '1';
	assert_true(lukshdr_is_open(dm, UUID));
	assert_false(lukshdr_is_open(dm, "11111111-2222"));
	dm[20] = '9';
	assert_false(lukshdr_is_open(dm, UUID));
	assert_false(lukshdr_is_open("CRYPT-PLAIN-x", UUID));
	assert_false(lukshdr_is_open("CRYPT-LUKS2-1111", UUID));
	assert_false(lukshdr_is_open("", UUID));
	assert_false(lukshdr_is_open("LVM-abc", UUID));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_versions_say_their_uuid),
		cmocka_unit_test(what_is_no_header_says_none),
		cmocka_unit_test(tokens_are_seen),
		cmocka_unit_test(a_uuid_is_hexadecimal),
		cmocka_unit_test(an_open_disk_is_known_by_all_its_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
