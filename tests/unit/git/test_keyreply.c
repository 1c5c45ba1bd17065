/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "keyreply.h"

static struct keyreply got;
static struct err e;

static int
parse(const char *line)
{
	memset(&got, 0, sizeof(got));
	e = (struct err)ERR_INIT;
	return keyreply_parse(line, strlen(line), &got, &e);
}

static void
keyreply_is_read_as_it_was_written(void **state)
{
	struct keyreply r = { KEYREPLY_REFUSED, 7, 3, 2, "no: 'x' \\x1b" };
	struct buf b;

	buf_init(&b, KEYREPLY_MAX);
	assert_int_equal(keyreply_emit(&r, &b, &e), 0);
	assert_string_equal(b.data, "v1 refused sequence=7 keys=3 skipped=2 "
	    "no: 'x' \\x1b");
	assert_int_equal(parse(b.data), 0);
	assert_memory_equal(&got, &r, sizeof(r.what));
	assert_int_equal(got.sequence, 7);
	assert_int_equal(got.keys, 3);
	assert_int_equal(got.skipped, 2);
	assert_string_equal(got.why, r.why);
	buf_clear(&b);
}

static void
keyreply_without_a_reason_ends_behind_its_numbers(void **state)
{
	struct keyreply r = { KEYREPLY_OK, INT64_MAX, 200000, 0, "" };
	struct buf b;

	buf_init(&b, KEYREPLY_MAX);
	assert_int_equal(keyreply_emit(&r, &b, &e), 0);
	assert_string_equal(b.data, "v1 ok sequence=9223372036854775807 "
	    "keys=200000 skipped=0");
	assert_int_equal(parse(b.data), 0);
	assert_string_equal(got.why, "");
	buf_clear(&b);
}

static void
keyreply_knows_its_seven_words(void **state)
{
	static const char *const words[] = { "ok", "same", "stale", "refused",
		"busy", "failed", "now" };
	char line[80];
	size_t i;

	for (i = 0; i < 7; i++) {
		snprintf(line, sizeof(line), "v1 %s sequence=0 keys=0 "
		    "skipped=0", words[i]);
		assert_int_equal(parse(line), 0);
		assert_string_equal(keyreply_word(got.what), words[i]);
	}
}

static void
keyreply_takes_nothing_else(void **state)
{
	static const char *const lines[] = { "", "v1", "v1 ok",
		"v2 ok sequence=1 keys=1 skipped=0",
		"v1 okay sequence=1 keys=1 skipped=0",
		"v1  ok sequence=1 keys=1 skipped=0",
		" v1 ok sequence=1 keys=1 skipped=0",
		"v1 ok sequence=-1 keys=1 skipped=0",
		"v1 ok sequence=1 keys=9223372036854775808 skipped=0",
		"v1 ok keys=1 sequence=1 skipped=0",
		"v1 ok sequence=1 keys=1",
		"v1 ok sequence=1\tkeys=1 skipped=0",
		"v1 refused sequence=0 keys=0 skipped=0 \033[2J",
		"v1 refused sequence=0 keys=0 skipped=0 \xc3\xa4",
		"#!/bin/sh",
	};
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(lines[i]), -1);
		assert_err(&e, ERR_PEER, "not an answer of a gateway");
		assert_int_equal(got.what, 0);
		assert_null(strchr(e.msg, '\033'));
	}
}

static void
keyreply_has_an_end(void **state)
{
	char line[KEYREPLY_MAX + 2], head[] = "v1 ok sequence=1 keys=1 "
	    "skipped=0 ";

	memset(line, 'x', sizeof(line));
	memcpy(line, head, sizeof(head) - 1);
	assert_int_equal(keyreply_parse(line, sizeof(line), &got, &e), -1);
	assert_int_equal(keyreply_parse(line, sizeof(head) - 1 + KEYREPLY_WHY,
	    &got, &e), -1);
	assert_int_equal(keyreply_parse(line, sizeof(head) - 2 + KEYREPLY_WHY,
	    &got, &e), 0);
	assert_int_equal(strlen(got.why), KEYREPLY_WHY - 1);
}

static void
keyreply_that_is_written_is_printable(void **state)
{
	struct keyreply r = { .what = KEYREPLY_FAILED };
	struct buf b;

	snprintf(r.why, sizeof(r.why), "a\nv1 ok\033\xff\x7f");
	buf_init(&b, KEYREPLY_MAX);
	assert_int_equal(keyreply_emit(&r, &b, &e), 0);
	assert_string_equal(b.data, "v1 failed sequence=0 keys=0 skipped=0 "
	    "a?v1 ok???");
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyreply_is_read_as_it_was_written),
		cmocka_unit_test(
		    keyreply_without_a_reason_ends_behind_its_numbers),
		cmocka_unit_test(keyreply_knows_its_seven_words),
		cmocka_unit_test(keyreply_takes_nothing_else),
		cmocka_unit_test(keyreply_has_an_end),
		cmocka_unit_test(keyreply_that_is_written_is_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
