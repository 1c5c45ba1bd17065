/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "rate.h"

static void
so_many_tries_a_minute_and_no_more(void **state)
{
	struct rate r = { .n = 0 };
	uint64_t now = 1000;
	int i;

	for (i = 0; i < 3; i++, now += 1000) {
		assert_int_equal(rate_wait_ms(&r, 3, now), 0);
		rate_note(&r, now);
	}
	/* The first, of 1000, is a minute old at 61000. */
	assert_int_equal(rate_wait_ms(&r, 3, 4000), 57000);
	assert_int_equal(rate_wait_ms(&r, 3, 60999), 1);
	assert_int_equal(rate_wait_ms(&r, 3, 61000), 0);
	rate_note(&r, 61000);
	assert_int_equal(r.n, 3);
	assert_int_equal(rate_wait_ms(&r, 3, 61000), 1000);
	assert_int_equal(rate_wait_ms(&r, 4, 61000), 0);
}

static void
the_most_that_can_be_allowed_is_remembered(void **state)
{
	struct rate r = { .n = 0 };
	struct buf b;
	int i;

	for (i = 0; i < 3 * RATE_MAX; i++)
		rate_note(&r, UINT64_MAX - 5);
	assert_int_equal(r.n, RATE_MAX);
	assert_int_equal(rate_wait_ms(&r, RATE_MAX, UINT64_MAX - 5), 60000);
	buf_init(&b, RATE_TEXT);
	assert_int_equal(rate_emit(&r, &b), 0);
	buf_clear(&b);
}

static void
a_time_to_come_gives_no_more_tries(void **state)
{
	struct rate r = { .n = 0 };

	rate_note(&r, 500000);
	assert_int_equal(rate_wait_ms(&r, 1, 1000), 60000);
	rate_note(&r, 1000);
	assert_int_equal(r.n, 2);
	assert_true(r.at[0] <= r.at[1]);
}

static void
what_is_written_is_read(void **state)
{
	struct rate r = { .n = 0 }, back;
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, RATE_TEXT);
	assert_int_equal(rate_parse("", 0, &back, &e), 0);
	assert_int_equal(back.n, 0);
	rate_forget(&r);
	assert_int_equal(r.n, 0);
	rate_note(&r, 7);
	rate_note(&r, 60);
	rate_forget(&r);
	rate_note(&r, 70);
	assert_int_equal(rate_emit(&r, &b), 0);
	assert_string_equal(b.data, "7\n70\n");
	assert_int_equal(rate_parse(b.data, b.len, &back, &e), 0);
	assert_int_equal(back.n, 2);
	assert_int_equal(back.at[1], 70);
	buf_clear(&b);
}

static void
anything_else_is_refused(void **state)
{
	static const char *const t[] = { "7", "x\n", "7\n\n", "70\n7\n",
	    "-1\n", "99999999999999999999999\n" };
	struct rate r = { .n = 42 };
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(rate_parse(t[i], strlen(t[i]), &r, &e), -1);
		assert_err(&e, ERR_CONFIG, "not the times");
		assert_int_equal(r.n, 42);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_tries_a_minute_and_no_more),
		cmocka_unit_test(the_most_that_can_be_allowed_is_remembered),
		cmocka_unit_test(a_time_to_come_gives_no_more_tries),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
