/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "base/num.h"

typedef int num_fn(const char *s, const char *what, uint64_t *ret,
    struct err *e);

static int
any_u64(const char *s, const char *what, uint64_t *ret, struct err *e)
{
	return num_u64(s, what, 0, UINT64_MAX, ret, e);
}

static void
takes(num_fn *f, const char *s, uint64_t want)
{
	struct err e = ERR_INIT;
	uint64_t n = 0;

	if (f(s, "--opt", &n, &e) == -1)
		fail_msg("'%s' refused: %s", s, e.msg);
	if (n != want)
		fail_msg("'%s' gives %llu", s, (unsigned long long)n);
}

static void
refuses(num_fn *f, const char *s)
{
	struct err e = ERR_INIT;
	uint64_t n = 77;

	if (f(s, "--opt", &n, &e) == 0)
		fail_msg("'%s' taken as %llu", s, (unsigned long long)n);
	assert_int_equal(n, 77);
	assert_err(&e, ERR_USAGE, "--opt: ");
}

static void
num_u64_takes_decimal_numbers(void **state)
{
	takes(any_u64, "0", 0);
	takes(any_u64, "64", 64);
	takes(any_u64, "007", 7);
	takes(any_u64, "18446744073709551615", UINT64_MAX);
}

static void
num_u64_refuses_all_else(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "1.5",
		"0x10", "1e3", "1,000", "ten", "18446744073709551616",
		"99999999999999999999999", "1\n", "\xd9\xa1" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuses(any_u64, bad[i]);
}

static void
num_u64_keeps_to_its_range_and_names_it(void **state)
{
	struct err e = ERR_INIT;
	uint64_t n = 0;

	assert_int_equal(num_u64("1", "-j", 1, 64, &n, &e), 0);
	assert_int_equal(num_u64("64", "-j", 1, 64, &n, &e), 0);
	assert_int_equal(num_u64("65", "-j", 1, 64, &n, &e), -1);
	assert_string_equal(e.msg, "-j: '65': must be from 1 to 64");
	assert_int_equal(num_u64("0", "-j", 1, 64, &n, &e), -1);
	assert_int_equal(n, 64);
}

static void
a_message_repeats_only_what_is_printable(void **state)
{
	struct err e = ERR_INIT;
	uint64_t n;

	num_u64("1\033[2J", "-j", 0, 9, &n, &e);
	assert_null(strchr(e.msg, '\033'));
	num_size("\xff", "-j", &n, &e);
	assert_null(strchr(e.msg, '\xff'));
}

static void
durations_add_up_from_large_to_small(void **state)
{
	takes(num_duration_ms, "0", 0);
	takes(num_duration_ms, "5", 5000);
	takes(num_duration_ms, "500ms", 500);
	takes(num_duration_ms, "10s", 10000);
	takes(num_duration_ms, "10m", 600000);
	takes(num_duration_ms, "2h", 7200000);
	takes(num_duration_ms, "1d", 86400000);
	takes(num_duration_ms, "1h30m", 5400000);
	takes(num_duration_ms, "1d2h3m4s5ms", 93784005);
	takes(num_duration_ms, "366d", 31622400000);
}

static void
durations_refuse_what_is_unclear_or_too_long(void **state)
{
	static const char *const bad[] = { "", "s", "10x", "1h30", "30m1h",
		"1m1m", "1 h", " 1h", "1h ", "-1s", "1.5h", "367d",
		"366d1ms", "8784h1s", "31622401", "18446744073709551616s",
		"213503982335d", "1S", "1mss", "1h,1m" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuses(num_duration_ms, bad[i]);
}

static void
sizes_take_a_power_of_1024(void **state)
{
	takes(num_size, "0", 0);
	takes(num_size, "4096", 4096);
	takes(num_size, "64K", 65536);
	takes(num_size, "3M", 3145728);
	takes(num_size, "1G", 1073741824);
	takes(num_size, "2T", 2199023255552);
	takes(num_size, "16777215T", 18446742974197923840u);
}

static void
sizes_refuse_what_is_unclear_or_too_large(void **state)
{
	static const char *const bad[] = { "", "K", "1k", "1KB", "1KiB",
		"1 K", "-1", "1.5G", "16777216T", "18446744073709551616",
		"1P" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuses(num_size, bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(num_u64_takes_decimal_numbers),
		cmocka_unit_test(num_u64_refuses_all_else),
		cmocka_unit_test(num_u64_keeps_to_its_range_and_names_it),
		cmocka_unit_test(a_message_repeats_only_what_is_printable),
		cmocka_unit_test(durations_add_up_from_large_to_small),
		cmocka_unit_test(durations_refuse_what_is_unclear_or_too_long),
		cmocka_unit_test(sizes_take_a_power_of_1024),
		cmocka_unit_test(sizes_refuse_what_is_unclear_or_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
