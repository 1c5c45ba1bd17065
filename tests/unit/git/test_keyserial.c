/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "keyserial.h"
#include "place.h"

static uint64_t
next(uint64_t now)
{
	struct err e = ERR_INIT;
	uint64_t n = 0;

	assert_int_equal(keyserial_next(at("s"), now, &n, &e), 0);
	return n;
}

static void
keyserial_rises_with_each_call_whatever_the_clock_says(void **state)
{
	assert_int_equal(next(1000), 1000);
	assert_int_equal(next(1000), 1001);
	assert_int_equal(next(500), 1002);
	assert_int_equal(next(2000), 2000);
	assert_int_equal(keyserial_last(at("s")), 2000);
	assert_string_equal(got_file("s"), "2000\n");
}

static void
keyserial_that_is_lost_goes_on_with_the_time(void **state)
{
	static const char *const bad[] = { "", "\n", "12", "x\n", "-1\n",
		"12 \n", "9223372036854775808\n", "1\n2\n" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put("s", bad[i]);
		assert_int_equal(keyserial_last(at("s")), 0);
		assert_int_equal(next(700), 700);
	}
}

static void
keyserial_ends_where_numbers_end(void **state)
{
	struct err e = ERR_INIT;
	uint64_t n = 5;

	put("s", "9223372036854775806\n");
	assert_int_equal(next(1), INT64_MAX);
	assert_int_equal(keyserial_next(at("s"), 1, &n, &e), -1);
	assert_err(&e, ERR_REFUSED, "no number is left");
	assert_int_equal(n, 5);
}

static void
keyserial_is_not_written_through_a_link(void **state)
{
	struct err e = ERR_INIT;
	uint64_t n;

	put("other", "1\n");
	assert_int_equal(symlink("other", at("s")), 0);
	assert_int_equal(keyserial_next(at("s"), 9, &n, &e), -1);
	assert_err(&e, ERR_UNSAFE, "symbolic link");
	assert_string_equal(got_file("other"), "1\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_place(
		    keyserial_rises_with_each_call_whatever_the_clock_says),
		in_place(keyserial_that_is_lost_goes_on_with_the_time),
		in_place(keyserial_ends_where_numbers_end),
		in_place(keyserial_is_not_written_through_a_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
