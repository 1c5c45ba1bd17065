/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "allow.h"

static const enum request_op all[] = { REQUEST_RUN, REQUEST_RESTORE,
	REQUEST_LIST, REQUEST_FIND, REQUEST_VERIFY, REQUEST_CAT };

static void
each_word_allows_its_operations(void **state)
{
	static const struct { const char *list, *ops; } t[] = {
		{ "run", "run " }, { "list", "list find " },
		{ "restore", "restore cat " }, { "verify", "verify " },
		{ "verify,run", "run verify " },
		{ "run,list,restore,verify",
		    "run restore list find verify cat " },
	};
	struct err e = ERR_INIT;
	char ops[100];
	unsigned got;
	size_t i, j;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		got = 0;
		assert_int_equal(allow_parse(t[i].list, &got, &e), 0);
		ops[0] = '\0';
		for (j = 0; j < sizeof(all) / sizeof(all[0]); j++)
			if (allow_has(got, all[j]))
				snprintf(ops + strlen(ops),
				    sizeof(ops) - strlen(ops), "%s ",
				    request_op_name(all[j]));
		assert_string_equal(ops, t[i].ops);
		assert_false(allow_has(got, 0));
	}
	assert_false(allow_has(~0u, 7));
}

static void
other_lists_are_refused(void **state)
{
	static const char *const t[] = { "", ",", "run,", ",run", "run,,list",
		"Run", "run list", "find", "cat", "all", "runs", "run\n" };
	struct err e = ERR_INIT;
	unsigned got = 77;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(allow_parse(t[i], &got, &e), -1);
		assert_err(&e, ERR_USAGE, "list of run, list, restore and verify");
	}
	assert_int_equal(allow_parse("run,list,run", &got, &e), -1);
	assert_err(&e, ERR_USAGE, "'run' is in the list twice");
	assert_int_equal(got, 77);
}

static void
a_command_is_nothing_or_one_allowed_word(void **state)
{
	static const char *const wrong[] = { "sh", "run ", " run", "run list",
		"run;id", "RUN", "-c", "\x1b[2J", "version", "receive",
		"rsync --server --sender . /", "run\n" };
	enum request_op op = 99;
	struct err e = ERR_INIT;
	unsigned allowed = 0;
	const char *p;
	size_t i;

	assert_int_equal(allow_parse("run,list", &allowed, &e), 0);
	assert_int_equal(allow_command(NULL, allowed, &op, &e), 0);
	assert_int_equal(op, 0);
	assert_int_equal(allow_command("", allowed, &op, &e), 0);
	assert_int_equal(op, 0);
	assert_int_equal(allow_command("find", allowed, &op, &e), 0);
	assert_int_equal(op, REQUEST_FIND);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(allow_command(wrong[i], allowed, &op, &e),
		    -1);
		assert_err(&e, ERR_REFUSED, "is no operation");
		for (p = e.msg; *p != '\0'; p++)
			assert_true(*p >= 0x20 && *p < 0x7f);
	}
	assert_int_equal(allow_command("cat", allowed, &op, &e), -1);
	assert_err(&e, ERR_REFUSED, "'cat' is not allowed to this client");
	assert_int_equal(op, REQUEST_FIND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_word_allows_its_operations),
		cmocka_unit_test(other_lists_are_refused),
		cmocka_unit_test(a_command_is_nothing_or_one_allowed_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
