/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "proc/msgtext.h"

static int
note(void *arg, const char *key, const char *value, size_t len, struct err *e)
{
	struct buf *seen = arg;

	assert_int_equal(strlen(value), len);
	if (strcmp(key, "stop") == 0)
		return err_set(e, ERR_REFUSED, "stopped");
	buf_addf(seen, "%s=%s;", key, value);
	return 0;
}

static void
any_byte_but_nul_comes_through(void **state)
{
	char value[256];
	struct buf out = { 0 }, seen = { 0 };
	struct err e = ERR_INIT;
	unsigned i;

	for (i = 1; i < 256; i++)
		value[i - 1] = (char)i;
	value[255] = '\0';
	buf_init(&out, 4096);
	buf_init(&seen, 4096);
	assert_int_equal(msgtext_add(&out, "path", value), 0);
	assert_int_equal(msgtext_add(&out, "empty", ""), 0);
	assert_int_equal(msgtext_add_num(&out, "n", UINT64_MAX), 0);
	for (i = 0; i < out.len; i++)
		assert_true((unsigned char)out.data[i] > 0x20 ||
		    out.data[i] == ' ' || out.data[i] == '\n');
	assert_int_equal(msgtext_parse(out.data, out.len, note, &seen, &e),
	    0);
	assert_memory_equal(seen.data, "path=", 5);
	assert_memory_equal(seen.data + 5, value, 255);
	assert_string_equal(seen.data + 5 + 255,
	    ";empty=;n=18446744073709551615;");
	buf_clear(&out);
	buf_clear(&seen);
}

static void
escapes_are_those_of_the_format(void **state)
{
	struct buf out = { 0 };

	buf_init(&out, 4096);
	assert_int_equal(msgtext_add(&out, "a-b", "x y\\z\n\177\xff"), 0);
	assert_string_equal(out.data, "a-b x\\040y\\134z\\012\\177\xff\n");
	buf_clear(&out);
}

static void
what_is_not_the_format_is_refused_with_its_line(void **state)
{
	static const struct { const char *text, *why; } t[] = {
		{ "key", "line 1 of what the other side sent: is cut" },
		{ "a b\nkey v", "line 2 of what the other side sent: is cut" },
		{ "\n", "is no 'key value'" },
		{ "key\n", "is no 'key value'" },
		{ " v\n", "is no 'key value'" },
		{ "Key v\n", "is no 'key value'" },
		{ "key1 v\n", "is no 'key value'" },
		{ "k\tv\n", "is no 'key value'" },
		{ "abcdefghijklmnopqrstuvwxyzabcdefg v\n",
		    "is no 'key value'" },
		{ "k  v\n", "must be escaped" },
		{ "k v \n", "must be escaped" },
		{ "k v\r\n", "must be escaped" },
		{ "k v\177\n", "must be escaped" },
		{ "k \\\n", "three octal digits" },
		{ "k \\04\n", "three octal digits" },
		{ "k \\0400\n", NULL },
		{ "k \\048\n", "three octal digits" },
		{ "k \\400\n", "three octal digits" },
		{ "k \\x20\n", "three octal digits" },
		{ "k \\000\n", "a NUL" },
		{ "k \\101\n", "needs none" },
		{ "k \\377\n", "needs none" },
		{ "k \\134\n", NULL },
	};
	struct buf seen = { 0 };
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&seen, 4096);
		e = (struct err)ERR_INIT;
		assert_int_equal(msgtext_parse(t[i].text, strlen(t[i].text),
		    note, &seen, &e), t[i].why == NULL ? 0 : -1);
		if (t[i].why != NULL)
			assert_err(&e, ERR_PEER, t[i].why);
		buf_clear(&seen);
	}
	buf_init(&seen, 4096);
	assert_int_equal(msgtext_parse("k a\0b\n", 6, note, &seen, &e), -1);
	assert_err(&e, ERR_PEER, "must be escaped");
	assert_int_equal(msgtext_parse("", 0, note, &seen, &e), 0);
	assert_int_equal(msgtext_parse("stop 1\nk v\n", 11, note, &seen, &e),
	    -1);
	assert_err(&e, ERR_REFUSED, "stopped");
	assert_int_equal(seen.len, 0);
}

static void
a_line_is_at_most_16_kib_both_ways(void **state)
{
	static char value[MSGTEXT_LINE_MAX + 1];
	struct buf out = { 0 }, seen = { 0 };
	struct err e = ERR_INIT;
	size_t fits = MSGTEXT_LINE_MAX - 3;	/* "k ", "\n" */

	buf_init(&out, 1 << 20);
	buf_init(&seen, 1 << 20);
	memset(value, 'x', fits);
	assert_int_equal(msgtext_add(&out, "k", value), 0);
	assert_int_equal(out.len, MSGTEXT_LINE_MAX);
	assert_int_equal(msgtext_parse(out.data, out.len, note, &seen, &e),
	    0);
	value[fits] = 'x';
	assert_int_equal(msgtext_add(&out, "k", value), -1);
	assert_int_equal(out.len, MSGTEXT_LINE_MAX);
	buf_clear(&out);
	buf_addf(&out, "k %s\n", value);
	assert_int_equal(msgtext_parse(out.data, out.len, note, &seen, &e),
	    -1);
	assert_err(&e, ERR_PEER, "longer than 16 KiB");
	buf_clear(&out);
	buf_clear(&seen);
}

static void
no_line_is_written_by_halves(void **state)
{
	struct buf out = { 0 };
	struct err e = ERR_INIT;

	buf_init(&out, 6);
	assert_int_equal(msgtext_add(&out, "k", "1234"), -1);
	assert_int_equal(out.len, 0);
	assert_int_equal(msgtext_add(&out, "k", "123"), 0);
	assert_int_equal(msgtext_add(&out, "", "1"), -1);
	assert_int_equal(msgtext_add(&out, "K", "1"), -1);
	assert_string_equal(out.data, "k 123\n");
	failmalloc_arm(1);
	assert_int_equal(msgtext_parse(out.data, out.len, note, NULL, &e),
	    -1);
	assert_true(failmalloc_disarm());
	assert_int_equal(e.code, ERR_MEM);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_byte_but_nul_comes_through),
		cmocka_unit_test(escapes_are_those_of_the_format),
		cmocka_unit_test(
		    what_is_not_the_format_is_refused_with_its_line),
		cmocka_unit_test(a_line_is_at_most_16_kib_both_ways),
		cmocka_unit_test(no_line_is_written_by_halves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
