/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "keystale.h"

#define DAY INT64_C(86400)

static bool
is(uint64_t pushed_s, int64_t stale_s, int64_t now_s)
{
	struct keystore_note n = { .sequence = 1, .time_s = pushed_s };

	return keystale_is(&n, stale_s * 1000, now_s);
}

static void
keys_are_too_old_after_that_time_and_not_before(void **state)
{
	assert_false(is(1000, DAY, 1000));
	assert_false(is(1000, DAY, 1000 + DAY));
	assert_true(is(1000, DAY, 1001 + DAY));
}

static void
a_push_that_is_not_known_is_too_old(void **state)
{
	assert_true(is(0, DAY, 1000));
	assert_true(is(UINT64_MAX, DAY, 1000));
}

static void
without_a_time_they_never_are(void **state)
{
	assert_false(is(0, 0, 1000));
	assert_false(is(1, 0, INT64_MAX));
}

static void
a_clock_that_was_set_back_is_no_alarm(void **state)
{
	assert_false(is(2 * (uint64_t)DAY, DAY, 1000));
}

static void
ago_is(uint64_t pushed_s, int64_t now_s, const char *want)
{
	struct keystore_note n = { .time_s = pushed_s };
	char ago[KEYSTALE_AGO];

	keystale_ago(&n, now_s, ago);
	assert_string_equal(ago, want);
}

static void
a_push_that_is_not_known_was_never(void **state)
{
	ago_is(1000, 1090, "90 s ago");
	ago_is(1, INT64_MAX, "9223372036854775806 s ago");
	ago_is(0, 1000, "never");
	ago_is(UINT64_MAX, 1000, "never");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    keys_are_too_old_after_that_time_and_not_before),
		cmocka_unit_test(a_push_that_is_not_known_is_too_old),
		cmocka_unit_test(a_push_that_is_not_known_was_never),
		cmocka_unit_test(without_a_time_they_never_are),
		cmocka_unit_test(a_clock_that_was_set_back_is_no_alarm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
