/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "gitaudit.h"

static const struct gitaudit end = { .event = GITAUDIT_END, .sid = "s1",
	.id = "alice", .ip = "10.0.0.1", .fp = "SHA256:x",
	.verb = "git-upload-pack", .repo = "r", .ms = 12, .exit = 3 };

static void
check(const struct gitaudit *a, bool json, time_t now, const char *want)
{
	struct buf b;

	buf_init(&b, GITAUDIT_LINE);
	assert_int_equal(gitaudit_emit(a, json, now, &b), 0);
	assert_string_equal(b.data, want);
	buf_clear(&b);
}

static void
an_end_has_time_and_status(void **state)
{
	check(&end, false, 0, "end sid=s1 id=alice ip=10.0.0.1 fp=SHA256:x "
	    "verb=git-upload-pack repo=\"r\" ms=12 exit=3");
	check(&end, true, 1, "{\"event\":\"end\",\"time\":"
	    "\"1970-01-01T00:00:01Z\",\"sid\":\"s1\",\"id\":\"alice\","
	    "\"ip\":\"10.0.0.1\",\"fp\":\"SHA256:x\","
	    "\"verb\":\"git-upload-pack\",\"repo\":\"r\",\"ms\":12,"
	    "\"exit\":3}");
}

static void
bytes_are_there_when_they_were_counted(void **state)
{
	struct gitaudit a = end;

	a.counted = true;
	a.out = INT64_C(1) << 40;
	a.via = "git@m";
	check(&a, false, 0, "end sid=s1 id=alice ip=10.0.0.1 fp=SHA256:x "
	    "verb=git-upload-pack repo=\"r\" ms=12 exit=3 in=0 "
	    "out=1099511627776 via=\"git@m\"");
	a.event = GITAUDIT_BEGIN;
	a.via = NULL;
	check(&a, false, 0, "begin sid=s1 id=alice ip=10.0.0.1 fp=SHA256:x "
	    "verb=git-upload-pack repo=\"r\"");
}

static void
what_is_not_known_is_a_dash_or_null(void **state)
{
	struct gitaudit a = { .event = GITAUDIT_REFUSED, .ip = "-",
		.fp = "", .why = "no" };

	check(&a, false, 1, "1970-01-01T00:00:01Z refused sid=- id=- ip=- "
	    "fp=- why=\"no\"");
	check(&a, true, 0, "{\"event\":\"refused\",\"sid\":null,\"id\":null,"
	    "\"ip\":null,\"fp\":null,\"why\":\"no\"}");
}

static void
no_value_can_forge_another_or_a_line(void **state)
{
	struct gitaudit a = { .event = GITAUDIT_BEGIN, .id = "a\nend b",
		.repo = "x\" exit=0 y=\"\n\033" };

	check(&a, false, 0, "begin sid=- id=a\\x0aend b ip=- fp=- verb=- "
	    "repo=\"x\\\" exit=0 y=\\\"\\n\\u001b\"");
}

static void
a_line_that_is_too_long_adds_nothing(void **state)
{
	struct buf b;

	buf_init(&b, 40);
	assert_int_equal(buf_adds(&b, "x"), 0);
	assert_int_equal(gitaudit_emit(&end, true, 1, &b), -1);
	assert_string_equal(b.data, "x");
	buf_clear(&b);
}

static void
values_are_cut_so_that_a_line_fits(void **state)
{
	char long_one[4096];
	struct gitaudit a = end;
	struct buf b;

	memset(long_one, 'x', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	a.repo = a.why = long_one;
	buf_init(&b, GITAUDIT_LINE);
	assert_int_equal(gitaudit_emit(&a, true, 1, &b), 0);
	assert_non_null(strstr(b.data, "\"exit\":3"));
	assert_non_null(strstr(b.data, "\"repo\":\"xxx"));
	assert_non_null(strstr(b.data, "xxx...\","));
	buf_clear(&b);
	assert_int_equal(gitaudit_emit(&a, false, 1, &b), 0);
	assert_non_null(strstr(b.data, "xxx...\" ms="));
	assert_non_null(strstr(b.data, "xxx...\""));
	buf_clear(&b);
	/* What fits is whole. */
	long_one[300] = '\0';
	assert_int_equal(gitaudit_emit(&a, false, 1, &b), 0);
	assert_null(strstr(b.data, "..."));
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_end_has_time_and_status),
		cmocka_unit_test(bytes_are_there_when_they_were_counted),
		cmocka_unit_test(what_is_not_known_is_a_dash_or_null),
		cmocka_unit_test(no_value_can_forge_another_or_a_line),
		cmocka_unit_test(a_line_that_is_too_long_adds_nothing),
		cmocka_unit_test(values_are_cut_so_that_a_line_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
