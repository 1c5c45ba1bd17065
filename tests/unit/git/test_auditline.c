/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "auditline.h"

static struct auditline l;

static int
parse(const char *line)
{
	return auditline_parse(line, strlen(line), &l, NULL);
}

static void
check_text(const char *want)
{
	struct buf b;

	buf_init(&b, 8192);
	assert_int_equal(auditline_text(&l, &b), 0);
	assert_string_equal(b.data, want);
	buf_clear(&b);
}

static void
what_was_written_is_read_as_text_and_as_json(void **state)
{
	struct gitaudit a = { .event = GITAUDIT_END, .sid = "s1",
		.id = "alice", .ip = "10.0.0.1", .fp = "SHA256:x",
		.verb = "git-upload-pack", .repo = "a \"b\\\n\xc3\xa9",
		.via = "git@m", .why = "\033[2J\xe2\x80\xae", .ms = 1234,
		.exit = 3 };
	struct buf b;
	int json;

	for (json = 0; json < 2; json++) {
		buf_init(&b, GITAUDIT_LINE);
		assert_int_equal(gitaudit_emit(&a, json != 0, 86400, &b), 0);
		assert_int_equal(parse(b.data), 0);
		buf_clear(&b);
		assert_int_equal(l.event, GITAUDIT_END);
		assert_int_equal(l.time_s, 86400);
		assert_string_equal(l.sid, a.sid);
		assert_string_equal(l.id, a.id);
		assert_string_equal(l.ip, a.ip);
		assert_string_equal(l.fp, a.fp);
		assert_string_equal(l.verb, a.verb);
		assert_string_equal(l.repo, a.repo);
		assert_string_equal(l.via, a.via);
		assert_string_equal(l.why, a.why);
		assert_int_equal(l.ms, 1234);
		assert_int_equal(l.exit, 3);
		assert_int_equal(l.in, -1);
		assert_int_equal(l.out, -1);
	}
}

static void
what_is_not_known_stays_so(void **state)
{
	assert_int_equal(parse("refused sid=- id=- ip=- fp=- why=\"no\""), 0);
	assert_int_equal(l.time_s, -1);
	assert_string_equal(l.id, "");
	check_text("- - - refused: no (-)");
	assert_int_equal(parse("{\"event\":\"begin\",\"sid\":null,"
	    "\"id\":null,\"later\":7,\"more\":\"x\"}"), 0);
	check_text("- - - - -: begun, no end (-)");
}

static void
a_person_reads_it_escaped(void **state)
{
	assert_int_equal(parse("{\"event\":\"end\",\"time\":"
	    "\"1970-01-02T00:00:00Z\",\"sid\":\"s\",\"id\":\"a\\u001b[1m\","
	    "\"ip\":\"1\",\"verb\":\"v\",\"repo\":\"r\\u202e\",\"ms\":5,"
	    "\"exit\":0,\"in\":7,\"out\":8,\"via\":\"m\"}"), 0);
	check_text("1970-01-02T00:00:00Z a\\x1b[1m 1 v r\\xe2\\x80\\xae: "
	    "exit 0, 0.005 s, 7 bytes in, 8 bytes out, by m (s)");
	/* Raw in the file, where none of ours wrote it. */
	assert_int_equal(parse("begin sid=s id=a\033[1m ip=\233 verb=v "
	    "repo=r\007"), 0);
	check_text("- a\\x1b[1m \\x9b v r\\x07: begun, no end (s)");
}

static void
other_lines_are_none(void **state)
{
	static const char *const t[] = { "", " ", "end", "end ", "over sid=s",
		"end sid", "end sid=", "end sid=s ms=x", "end sid=s ms=-1",
		"end  sid=s", "end repo=\"r", "end repo=\"r\"x",
		"end repo=\"\\x\"", "end sid=s sid=t",
		"1970-13-02T00:00:00Z end sid=s", "{", "{}",
		"{\"event\":\"end\"", "{\"event\":\"end\"} ",
		"{\"event\":\"other\"}", "{\"event\":null}",
		"{\"sid\":\"s\"}", "{\"event\":\"end\",}",
		"{\"event\":\"end\",\"ms\":1.5}",
		"{\"event\":\"end\",\"ms\":99999999999999999999}",
		"{\"event\":\"end\",\"time\":\"now\"}",
		"{\"event\":\"end\",\"id\":\"\\ud800\"}",
		"{\"event\":\"end\",\"id\":\"\\u0000\"}",
		"{\"event\":\"end\",\"id\":\"\\ud800\\u0041\"}",
		"{\"event\":\"end\",\"id\":\"\x1b\"}",
		"{\"event\":\"end\",\"id\":[1]}",
		"Nov 22 01:02:03 gw sshd[1]: x" };
	char big[2000];
	size_t i;

	l.sid[0] = '!';
	for (i = 0; i < sizeof(t) / sizeof(*t); i++)
		if (parse(t[i]) != -1)
			fail_msg("taken: %s", t[i]);
	memset(big, 'x', sizeof(big));
	memcpy(big, "end id=", 7);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(parse(big), -1);
	big[400] = '\0';
	assert_int_equal(parse(big), -1);
	assert_int_equal(auditline_parse("end id=a\0b", 10, &l, NULL), -1);
	assert_int_equal(l.sid[0], '!');
}

static void
surrogates_are_one_character(void **state)
{
	assert_int_equal(parse("{\"event\":\"end\",\"id\":"
	    "\"\\ud83d\\ude00\\u00e9\\u20ac\"}"), 0);
	assert_string_equal(l.id, "\xf0\x9f\x98\x80\xc3\xa9\xe2\x82\xac");
}

static void
a_time_is_a_day_or_more(void **state)
{
	static const struct { const char *s; int64_t want; } t[] = {
		{ "1970-01-02", 86400 }, { "1970-01-02T00:01", 86460 },
		{ "1970-01-02T00:01Z", 86460 },
		{ "1970-01-02T00:01:01", 86461 },
		{ "1970-01-02T00:01:01Z", 86461 },
		{ "2024-02-29", 1709164800 },
	};
	static const char *const bad[] = { "", "1970", "1970-1-2",
		"1970-01-02 00:01", "2023-02-29", "1970-00-01",
		"1970-01-01T24:00", "1970-01-01T00:60", "1970-01-0x",
		"1970-01-01T00:00:00+", "1970-01-01T00:00x", "0000-01-01" };
	int64_t got;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		assert_int_equal(auditline_time(t[i].s, strlen(t[i].s), &got),
		    0);
		assert_int_equal(got, t[i].want);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (auditline_time(bad[i], strlen(bad[i]), &got) != -1)
			fail_msg("taken: %s", bad[i]);
}

static bool
fits(const char *line, struct auditline_filter f)
{
	assert_int_equal(parse(line), 0);
	return auditline_fits(&l, &f);
}

static void
what_is_wanted_is_all_of_it(void **state)
{
	static const char line[] = "1970-01-02T00:00:00Z end sid=s id=bob "
	    "verb=git-upload-pack repo=\"t/a\" exit=0";
	struct auditline_filter f = { 0 };

	assert_true(fits(line, f));
	f = (struct auditline_filter){ .since_s = 86400, .id = "bob",
		.verb = "git-upload-pack", .repo = "t/*" };
	assert_true(fits(line, f));
	f.since_s++;
	assert_false(fits(line, f));
	f.since_s--;
	f.id = "bo";
	assert_false(fits(line, f));
	f.id = NULL;
	f.repo = "t";
	assert_false(fits(line, f));
	f.repo = NULL;
	f.verb = "git-receive-pack";
	assert_false(fits(line, f));
	f.verb = NULL;
	f.failed = true;
	assert_false(fits(line, f));
	f.since_s = 0;
	assert_true(fits("end sid=s exit=1", f));
	assert_true(fits("refused sid=s", f));
	assert_false(fits("begin sid=s", f));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read_as_text_and_as_json),
		cmocka_unit_test(what_is_not_known_stays_so),
		cmocka_unit_test(a_person_reads_it_escaped),
		cmocka_unit_test(other_lines_are_none),
		cmocka_unit_test(surrogates_are_one_character),
		cmocka_unit_test(a_time_is_a_day_or_more),
		cmocka_unit_test(what_is_wanted_is_all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
