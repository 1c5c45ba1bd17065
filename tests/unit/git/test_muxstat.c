/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "muxstat.h"

static void
a_masters_line_is_read(void **state)
{
	const char *at = "0 up 100 2 90 kex: Connection reset\n"
	    "1 waiting 200 3 0\nnonsense\n\n2 up 7 1\n"
	    "3 waiting 8 1 ssh: older ones say why here\n4 up 5";
	struct muxstat m;

	assert_int_equal(muxstat_up(at), 2);
	assert_true(muxstat_next(&at, &m));
	assert_int_equal(m.number, 0);
	assert_string_equal(m.state, "up");
	assert_int_equal(m.since, 100);
	assert_int_equal(m.starts, 2);
	assert_int_equal(m.failed, 90);
	assert_string_equal(m.why, "kex: Connection reset");
	assert_true(muxstat_next(&at, &m));
	assert_int_equal(m.number, 1);
	assert_int_equal(m.failed, 0);
	assert_string_equal(m.why, "");
	assert_true(muxstat_next(&at, &m));
	assert_int_equal(m.number, 2);
	assert_int_equal(m.failed, 0);
	assert_true(muxstat_next(&at, &m));
	assert_int_equal(m.failed, 0);
	assert_string_equal(m.why, "ssh: older ones say why here");
	assert_false(muxstat_next(&at, &m));
	assert_int_equal(muxstat_up(""), 0);
}

/* It is the git user's file. */
static void
what_a_terminal_would_obey_is_escaped_and_what_is_long_is_cut(void **state)
{
	const char *at = "0 up 1 1 5 a\33[2Jb\n";
	char big[3000];
	struct muxstat m;

	assert_true(muxstat_next(&at, &m));
	assert_null(strchr(m.why, '\33'));
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	memcpy(big, "0 up 1 1 5 ", 11);
	at = big;
	assert_true(muxstat_next(&at, &m));
	assert_true(strlen(m.why) < MUXSTAT_WHY);
	assert_false(muxstat_next(&at, &m));
}

static void
how_long_is_said_in_one_unit(void **state)
{
	static const struct { int64_t s; const char *is; } t[] = {
		{ -5, "0 s" }, { 0, "0 s" }, { 119, "119 s" },
		{ 120, "2 min" }, { 7199, "119 min" }, { 7200, "2 h" },
		{ 172799, "47 h" }, { 172800, "2 days" },
		{ 900000, "10 days" } };
	char got[MUXSTAT_FOR];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		muxstat_for(t[i].s, got);
		assert_string_equal(got, t[i].is);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_masters_line_is_read),
		cmocka_unit_test(
		    what_a_terminal_would_obey_is_escaped_and_what_is_long_is_cut),
		cmocka_unit_test(how_long_is_said_in_one_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
