/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "retain.h"

#define HOUR	INT64_C(3600)
#define COUNT	200
#define FIRST	INT64_C(1730671800)	/* 2024-11-03 22:10 UTC */
#define NOW	(FIRST + 149 * 41 * HOUR + 50 * 1200 + 60)

/*
 * 200 snapshots: 150, one each 41 hours, then 50, one each 20 minutes, the
 * last of them at 2025-07-17 03:50 UTC. The numbers of those that stay, below,
 * were worked out apart from this code, with the calendar of Python.
 */
static void
two_hundred(struct retain_snap *v, int numbers[COUNT])
{
	size_t i, j;

	for (i = 0; i < COUNT; i++) {
		numbers[i] = (int)i;
		/* In no order: 83 and 200 have no divisor in common. */
		j = i * 83 % COUNT;
		v[j] = (struct retain_snap){ .tag = &numbers[i], .why = ~0u };
		v[j].time_s = i < 150 ? FIRST + (int64_t)i * 41 * HOUR :
		    FIRST + 149 * 41 * HOUR + (int64_t)(i - 149) * 1200;
	}
}

static int
number(const struct retain_snap *s)
{
	return *(const int *)s->tag;
}

/* "199 187 148": those with the bit, the newest first. */
static void
with(const struct retain_snap *v, size_t n, unsigned bits, char *out,
    size_t size)
{
	size_t i, len = 0;

	out[0] = '\0';
	for (i = 0; i < n; i++)
		if ((v[i].why & bits) != 0)
			len += (size_t)snprintf(out + len, size - len, "%s%d",
			    len > 0 ? " " : "", number(&v[i]));
}

static void
each_rule_keeps_what_the_table_says(void **state)
{
	static const struct {
		struct retain_rules r;
		unsigned bit;
		const char *want;
	} t[] = {
		{ { .last = 1 }, RETAIN_LAST, "199" },
		{ { .last = 5 }, RETAIN_LAST, "199 198 197 196 195" },
		{ { .hourly = 6 }, RETAIN_HOURLY, "199 196 193 190 187 184" },
		{ { .hourly = 24 }, RETAIN_HOURLY, "199 196 193 190 187 184 "
		    "181 178 175 172 169 166 163 160 157 154 151 148 147 146 "
		    "145 144 143 142" },
		{ { .daily = 7 }, RETAIN_DAILY,
		    "199 187 148 147 146 145 144" },
		{ { .daily = 14 }, RETAIN_DAILY, "199 187 148 147 146 145 "
		    "144 143 142 141 140 139 138 137" },
		{ { .weekly = 4 }, RETAIN_WEEKLY, "199 147 143 139" },
		/* Through a new year. */
		{ { .weekly = 30 }, RETAIN_WEEKLY, "199 147 143 139 135 131 "
		    "127 122 118 114 110 106 102 98 94 90 86 81 77 73 69 65 "
		    "61 57 53 49 45 41 36 32" },
		{ { .monthly = 3 }, RETAIN_MONTHLY, "199 139 122" },
		{ { .monthly = 12 }, RETAIN_MONTHLY,
		    "199 139 122 104 86 68 52 33 15" },
		{ { .yearly = 1 }, RETAIN_YEARLY, "199" },
		{ { .yearly = 2 }, RETAIN_YEARLY, "199 33" },
		{ { .yearly = 10 }, RETAIN_YEARLY, "199 33" },
	};
	struct retain_snap v[COUNT];
	int numbers[COUNT];
	char got[2000];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		two_hundred(v, numbers);
		retain_mark(v, COUNT, &t[i].r, NOW);
		with(v, COUNT, ~0u, got, sizeof(got));
		assert_string_equal(got, t[i].want);
		with(v, COUNT, t[i].bit, got, sizeof(got));
		assert_string_equal(got, t[i].want);
	}
}

static void
each_survivor_names_the_rules_that_keep_it(void **state)
{
	static const struct { int number; const char *why; } t[] = {
		{ 199, "last, daily, weekly, monthly, yearly" },
		{ 198, "last" }, { 197, "last" }, { 187, "daily" },
		{ 148, "daily" }, { 147, "daily, weekly" }, { 146, "daily" },
		{ 145, "daily" }, { 144, "daily" }, { 143, "weekly" },
		{ 139, "weekly, monthly" }, { 122, "monthly" },
		{ 104, "monthly" }, { 86, "monthly" }, { 68, "monthly" },
		{ 33, "yearly" },
	};
	static const struct retain_rules r = { .last = 3, .daily = 7,
		.weekly = 4, .monthly = 6, .yearly = 2 };
	struct retain_snap v[COUNT];
	int numbers[COUNT];
	struct buf why;
	size_t i, n = 0;

	two_hundred(v, numbers);
	retain_mark(v, COUNT, &r, NOW);
	for (i = 0; i < COUNT; i++) {
		buf_init(&why, 1000);
		assert_int_equal(retain_why(v[i].why, &why), 0);
		if (n < sizeof(t) / sizeof(t[0]) &&
		    number(&v[i]) == t[n].number)
			assert_string_equal(why.data, t[n++].why);
		else
			assert_string_equal(why.data, "-");
		buf_clear(&why);
	}
	assert_int_equal(n, sizeof(t) / sizeof(t[0]));
}

static void
without_any_rule_all_stay(void **state)
{
	static const struct retain_rules none = { .min_keep = 3 };
	struct retain_snap v[COUNT];
	int numbers[COUNT];
	size_t i;

	two_hundred(v, numbers);
	retain_mark(v, COUNT, &none, NOW);
	for (i = 0; i < COUNT; i++)
		assert_int_equal(v[i].why, RETAIN_NO_RULE);
	retain_mark(v, 0, &none, NOW);
	retain_mark(NULL, 0, &none, NOW);
}

static void
more_than_there_are_keeps_all(void **state)
{
	static const struct retain_rules r = { .last = UINT32_MAX };
	struct retain_snap v[COUNT];
	int numbers[COUNT];
	size_t i;

	two_hundred(v, numbers);
	retain_mark(v, COUNT, &r, NOW);
	for (i = 0; i < COUNT; i++)
		assert_int_equal(v[i].why, RETAIN_LAST);
}

static void
pinned_and_held_ones_stay_and_keep_their_place(void **state)
{
	static const struct retain_rules r = { .daily = 2 };
	struct retain_snap v[COUNT];
	int numbers[COUNT];
	char got[200];
	size_t i;

	two_hundred(v, numbers);
	for (i = 0; i < COUNT; i++) {
		v[i].pinned = number(&v[i]) == 5 || number(&v[i]) == 199;
		v[i].held = number(&v[i]) == 100 || number(&v[i]) == 5;
	}
	retain_mark(v, COUNT, &r, NOW);
	with(v, COUNT, ~0u, got, sizeof(got));
	assert_string_equal(got, "199 187 100 5");
	with(v, COUNT, RETAIN_PINNED, got, sizeof(got));
	assert_string_equal(got, "199 5");
	with(v, COUNT, RETAIN_HELD, got, sizeof(got));
	assert_string_equal(got, "100 5");
	with(v, COUNT, RETAIN_DAILY, got, sizeof(got));
	assert_string_equal(got, "199 187");
}

static void
min_keep_is_a_floor_that_a_reader_does_not_fill(void **state)
{
	static const struct retain_rules r = { .yearly = 1, .min_keep = 4 };
	static const struct retain_rules many = { .last = 5, .min_keep = 4 };
	struct retain_snap v[COUNT];
	int numbers[COUNT];
	char got[200];
	size_t i;

	two_hundred(v, numbers);
	for (i = 0; i < COUNT; i++) {
		v[i].held = number(&v[i]) == 50;
		v[i].pinned = number(&v[i]) == 7;
	}
	retain_mark(v, COUNT, &r, NOW);
	with(v, COUNT, ~0u, got, sizeof(got));
	assert_string_equal(got, "199 198 197 50 7");
	with(v, COUNT, RETAIN_MIN_KEEP, got, sizeof(got));
	assert_string_equal(got, "198 197");
	two_hundred(v, numbers);
	retain_mark(v, COUNT, &many, NOW);
	with(v, COUNT, RETAIN_MIN_KEEP, got, sizeof(got));
	assert_string_equal(got, "");
}

/* The clock is set back at any point: those past it stay, and those before
 * it are judged as if the others were not there. */
static void
a_clock_set_back_makes_no_snapshot_go(void **state)
{
	static const struct retain_rules r = { .last = 3, .hourly = 4,
		.daily = 7, .weekly = 4, .monthly = 6, .yearly = 2,
		.min_keep = 20 };
	struct retain_snap v[COUNT], few[COUNT];
	int numbers[COUNT];
	size_t i, n, future;
	int64_t now;

	/* Each second step is the very time of a snapshot. */
	for (now = FIRST - 41 * HOUR / 2; now <= NOW; now += 41 * HOUR / 2) {
		two_hundred(v, numbers);
		for (i = n = 0; i < COUNT; i++)
			if (v[i].time_s <= now)
				few[n++] = v[i];
		retain_mark(v, COUNT, &r, now);
		retain_mark(few, n, &r, now);
		future = COUNT - n;
		for (i = 0; i < future; i++)
			assert_int_equal(v[i].why, RETAIN_FUTURE);
		for (i = 0; i < n; i++) {
			assert_int_equal(v[future + i].why, few[i].why);
			assert_int_equal(few[i].why & RETAIN_FUTURE, 0);
		}
	}
}

/* And set forward: rules count periods with a snapshot, not ages. */
static void
a_clock_set_forward_makes_no_snapshot_go(void **state)
{
	static const struct retain_rules r = { .daily = 7, .weekly = 4 };
	struct retain_snap v[COUNT], w[COUNT];
	int numbers[COUNT];
	size_t i;

	two_hundred(v, numbers);
	two_hundred(w, numbers);
	retain_mark(v, COUNT, &r, NOW);
	retain_mark(w, COUNT, &r, NOW + 10 * 365 * 24 * HOUR);
	for (i = 0; i < COUNT; i++)
		assert_int_equal(v[i].why, w[i].why);
}

static void
each_series_has_the_rules_for_itself(void **state)
{
	const struct retain_rules r = { .last = 1, .min_keep = 2 };
	struct retain_snap v[] = {
		{ .time_s = 10, .series = "home" },
		{ .time_s = 20, .series = "etc" },
		{ .time_s = 40, .series = "etc" },
		{ .time_s = 30, .series = "home" },
		{ .time_s = 50 },
		{ .time_s = 5, .series = "home" },
	};
	static const struct { int64_t time_s; unsigned why; } want[] = {
		{ 50, RETAIN_LAST },
		{ 40, RETAIN_LAST }, { 20, RETAIN_MIN_KEEP },
		{ 30, RETAIN_LAST }, { 10, RETAIN_MIN_KEEP }, { 5, 0 },
	};
	size_t i;

	retain_mark(v, 6, &r, 100);
	for (i = 0; i < 6; i++) {
		assert_int_equal(v[i].time_s, want[i].time_s);
		assert_int_equal(v[i].why, want[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_keeps_what_the_table_says),
		cmocka_unit_test(each_survivor_names_the_rules_that_keep_it),
		cmocka_unit_test(without_any_rule_all_stay),
		cmocka_unit_test(more_than_there_are_keeps_all),
		cmocka_unit_test(
		    pinned_and_held_ones_stay_and_keep_their_place),
		cmocka_unit_test(
		    min_keep_is_a_floor_that_a_reader_does_not_fill),
		cmocka_unit_test(a_clock_set_back_makes_no_snapshot_go),
		cmocka_unit_test(a_clock_set_forward_makes_no_snapshot_go),
		cmocka_unit_test(each_series_has_the_rules_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
