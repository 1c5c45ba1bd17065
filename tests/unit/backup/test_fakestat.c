/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "fakestat.h"
#include "glob.h"

static void
fakestat_reads_what_rsync_writes(void **state)
{
	struct err e = ERR_INIT;
	struct fakestat f;
	char out[FAKESTAT_MAX];

	assert_int_equal(fakestat_parse("20644 5,1 1234:77", 17, &f, &e), 0);
	assert_int_equal(f.mode, 020644);
	assert_int_equal(f.major, 5);
	assert_int_equal(f.minor, 1);
	assert_int_equal(f.uid, 1234);
	assert_int_equal(f.gid, 77);
	assert_int_equal(fakestat_emit(&f, out), 17);
	assert_string_equal(out, "20644 5,1 1234:77");
}

static void
fakestat_refuses_all_else(void **state)
{
	static const char *const bad[] = { "", "100644", "100644 0,0 0:0 ",
		" 100644 0,0 0:0", "100644 0,0 0", "100648 0,0 0:0",
		"644 0,0 0:0", "100644 0,0 4294967296:0", "100644 -1,0 0:0",
		"100644 0,0 00:0", "100644  0,0 0:0", "1000000644 0,0 0:0",
		"170644 0,0 0:0" };
	struct err e = ERR_INIT;
	struct fakestat f = { .mode = 7 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(fakestat_parse(bad[i], strlen(bad[i]), &f,
		    &e), -1);
		assert_err(&e, ERR_CONFIG, "user.rsync.%stat");
		assert_int_equal(f.mode, 7);
	}
	assert_int_equal(fakestat_parse("100644 0,0 0:0\0", 15, &f, &e), -1);
}

static void
glob_matches_as_its_table_says(void **state)
{
	static const struct {
		const char *pattern, *s;
		bool match;
	} rows[] = {
		{ "", "", true }, { "a", "", false }, { "*", "", true },
		{ "*", "abc", true }, { "*", "a/c", false },
		{ "**", "a/c", true }, { "a*c", "abbc", true },
		{ "a*c", "ab/c", false }, { "a**c", "ab/c", true },
		{ "?", "a", true }, { "?", "/", false }, { "?", "", false },
		{ "[a-c]x", "bx", true }, { "[a-c]x", "dx", false },
		{ "[!a-c]x", "dx", true }, { "[^a]", "/", false },
		{ "[]]", "]", true }, { "[a", "[a", true },
		{ "[a-]", "-", true }, { "\\*", "*", true },
		{ "\\*", "a", false }, { "a\\", "a\\", true },
		{ "**/b", "b", true }, { "**/b", "a/b", true },
		{ "**/b", "/a/b", true }, { "**/b", "ab", false },
		{ "a/**/b", "a/b", true }, { "a/**/b", "a/x/y/b", true },
		{ "a/**/b", "a/xb", false }, { "a/**/*.c", "a/x/y.c", true },
		{ "*x/*y", "ax/by", true }, { "*x/*y", "ax/b/y", false },
		{ "**a*b/c", "xa/ab/c", true }, { "*\xff", "\xfe\xff", true },
		{ "*a*b*c", "aabbcc", true }, { "*a*b*c", "aabbccd", false },
	};
	char many[128];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (glob_match(rows[i].pattern, rows[i].s, strlen(rows[i].s)) !=
		    rows[i].match)
			fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].s);
	/* Must come to an end. */
	memset(many, 'a', sizeof(many));
	assert_false(glob_match("**/*a*a*a**a*a*a*a**/**/**/*a*a*a*a*b", many,
	    sizeof(many)));
	assert_int_equal(glob_literal("/a/b*"), 4);
	assert_int_equal(glob_tail("*.conf"), 5);
	assert_int_equal(glob_tail("[.]conf"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fakestat_reads_what_rsync_writes),
		cmocka_unit_test(fakestat_refuses_all_else),
		cmocka_unit_test(glob_matches_as_its_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
