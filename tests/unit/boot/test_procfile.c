/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "procfile.h"

static void
a_variable_is_found_by_its_whole_name(void **state)
{
	static const char env[] = "PATH=/bin\0CRYPTTAB_NAME_X=no\0"
	    "CRYPTTAB_NAME=root\0EMPTY=\0CRYPTTAB_NAME=again";
	size_t len = sizeof(env);

	assert_string_equal(procfile_env(env, len, "CRYPTTAB_NAME"), "root");
	assert_string_equal(procfile_env(env, len, "PATH"), "/bin");
	assert_string_equal(procfile_env(env, len, "EMPTY"), "");
	assert_null(procfile_env(env, len, "CRYPTTAB"));
	assert_null(procfile_env(env, len, "PAT"));
	assert_null(procfile_env(env, 0, "PATH"));
}

static void
a_variable_that_was_cut_is_none(void **state)
{
	static const char env[] = "A=1\0B=22";

	assert_null(procfile_env(env, 7, "B"));
	assert_string_equal(procfile_env(env, sizeof(env), "B"), "22");
}

static void
words_of_a_command_line_are_told_apart(void **state)
{
	static const char line[] = "cryptsetup\0open\0\0/dev/sda 2";
	struct strv v = { .n = 0 };
	struct err e = ERR_INIT;

	assert_int_equal(procfile_argv(line, sizeof(line), &v, &e), 0);
	assert_int_equal(v.n, 4);
	assert_string_equal(v.v[0], "cryptsetup");
	assert_string_equal(v.v[2], "");
	assert_string_equal(v.v[3], "/dev/sda 2");
	strv_clear(&v);
}

static void
a_command_line_that_is_empty_cut_or_long_is_refused(void **state)
{
	char many[2 * PROCFILE_WORDS + 3];
	struct strv v = { .n = 0 };
	struct err e = ERR_INIT;
	size_t i;

	assert_int_equal(procfile_argv("", 0, &v, &e), -1);
	assert_err(&e, ERR_PEER, "empty, or cut");
	assert_int_equal(procfile_argv("a\0bc", 4, &v, &e), -1);
	for (i = 0; i < sizeof(many); i += 2) {
		many[i] = 'x';
		if (i + 1 < sizeof(many))
			many[i + 1] = '\0';
	}
	assert_int_equal(procfile_argv(many, 2 * PROCFILE_WORDS, &v, &e), 0);
	strv_clear(&v);
	assert_int_equal(procfile_argv(many, 2 * PROCFILE_WORDS + 2, &v, &e),
	    -1);
	assert_err(&e, ERR_PEER, "more than");
	strv_clear(&v);
}

static void
out_of_memory_is_said(void **state)
{
	struct strv v = { .n = 0 };
	unsigned long n;
	struct err e;
	int rc;

	for (n = 1;; n++) {
		e = (struct err)ERR_INIT;
		failmalloc_arm(n);
		rc = procfile_argv("a\0b\0c", 6, &v, &e);
		strv_clear(&v);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_true(n > 1);
}

static void
a_stat_is_read(void **state)
{
	static const char line[] = "312 (systemd-cryptse) S 1 312 312 0 -1 "
	    "4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 22000000 900 1844 1 1";
	static const char odd[] = "7 (a) S (b)) R 1 7 7 34816 -1 4194560 1 2 "
	    "3 4 5 6 7 8 20 0 1 0 18446744073709551615\n";
	struct procstat s;
	struct err e = ERR_INIT;

	assert_int_equal(procfile_stat(line, strlen(line), &s, &e), 0);
	assert_int_equal(s.pid, 312);
	assert_int_equal(s.ppid, 1);
	assert_string_equal(s.comm, "systemd-cryptse");
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.start, 4711);
	assert_int_equal(procfile_stat(odd, strlen(odd), &s, &e), 0);
	assert_string_equal(s.comm, "a) S (b)");
	assert_int_equal(s.state, 'R');
	assert_true(s.start == UINT64_MAX);
}

static void
what_is_no_stat_is_refused(void **state)
{
	static const char *const t[] = { "", "1", "(a) S 1", "1 (a", "1 a) S",
	    ") (", "1(a) S 1 2", "x (a) S 1 2", "0 (a) S 1 2 3", "1 (a)S 1 2",
	    "1 (a) S x 2", "1 (a) S 1 2 3 4 5",
	    "1 (a) S 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 16 17 18 x",
	    "99999999999 (a) S 1 2",
	    ("1 (aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaa) S 1 2") };
	struct procstat s = { .pid = 5 };
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		if (procfile_stat(t[i], strlen(t[i]), &s, &e) == 0)
			fail_msg("accepted: %s", t[i]);
		assert_err(&e, ERR_PEER, "stat");
		assert_int_equal(s.pid, 5);
	}
}

static void
root_is_who_has_no_other_uid(void **state)
{
	static const struct { const char *text; bool root; } t[] = {
		{ "Name:\tx\nPid:\t7\nUid:\t0\t0\t0\t0\nGid:\t5\t5\t5\t5\n",
		    true },
		{ "Name:\tx\nUid:\t1000\t0\t0\t0\nGid:\t0\t0\t0\t0\n",
		    false },
		{ "Name:\tx\nUid:\t0\t1000\t0\t0\n", false },
		{ "Name:\tx\nUid:\t0\t0\t1000\t0\n", false },
		{ "Name:\tx\nUid:\t0\t0\t0\t1000\n", false },
		{ "Name:\tUid:\t0\t0\t0\t0\nUid:\t5\t5\t5\t5\n", false },
		{ "Name:\tx\nUid:\t0\t0\t0\t0", false }, { "", false },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (procfile_is_root(t[i].text, strlen(t[i].text)) !=
		    t[i].root)
			fail_msg("%s", t[i].text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_variable_is_found_by_its_whole_name),
		cmocka_unit_test(a_variable_that_was_cut_is_none),
		cmocka_unit_test(words_of_a_command_line_are_told_apart),
		cmocka_unit_test(
		    a_command_line_that_is_empty_cut_or_long_is_refused),
		cmocka_unit_test(out_of_memory_is_said),
		cmocka_unit_test(a_stat_is_read),
		cmocka_unit_test(what_is_no_stat_is_refused),
		cmocka_unit_test(root_is_who_has_no_other_uid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
