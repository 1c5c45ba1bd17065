/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "gitrepo.h"

static void
forms_of_one_repository_have_one_name(void **state)
{
	static const struct { const char *arg, *name; } t[] = {
		{ "r", "r" }, { "/r", "r" }, { "r/", "r" }, { "/r/", "r" },
		{ "r.git", "r" }, { "/r.git", "r" }, { "r.git/", "r" },
		{ "r.git3", "r" }, { "/r.git0", "r" }, { "r/.git3", "r" },
		{ "r.git.git3", "r" }, { "r/.git", NULL },
		{ "gitolite-admin.git/", "gitolite-admin" },
		{ "a/b/c", "a/b/c" }, { "a/.b", "a/.b" }, { "a/b.", "a/b." },
		{ "u@h/x+y_z-1", "u@h/x+y_z-1" }, { "r.gi", "r.gi" },
		{ "r.gitx", "r.gitx" }, { "r.git33", "r.git33" },
		{ "R", "R" }, { "0", "0" },
	};
	char name[GITREPO_MAX + 1];
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		if (gitrepo_name(t[i].arg, name, &e) == -1) {
			if (t[i].name != NULL)
				fail_msg("%s: %s", t[i].arg, e.msg);
			continue;
		}
		assert_non_null(t[i].name);
		assert_string_equal(name, t[i].name);
	}
}

static void
what_is_no_repository_is_refused_with_its_reason(void **state)
{
	static const struct { const char *arg, *why; } t[] = {
		{ "", "has no name" }, { "/", "has no name" },
		{ ".git", "has no name" }, { "/.git/", "has no name" },
		{ "//r", "has to begin" }, { "../../etc", "has to begin" },
		{ "./r", "has to begin" }, { "~/r", "has to begin" },
		{ "-r", "has to begin" }, { "@all", "has to begin" },
		{ "_r", "has to begin" },
		{ "a/../../etc", "'..' in it" }, { "a..b", "'..' in it" },
		{ "a/..", "'..' in it" }, { "r$x", "other characters" },
		{ "r x", "other characters" }, { "r'x", "other characters" },
		{ "r!", "other characters" }, { "r\\x", "other characters" },
		{ "r\nx", "other characters" }, { "r\xc3\xa9", "other" },
		{ "r:x", "other characters" }, { "r~", "other characters" },
		{ "r*", "other characters" },
		{ "a.git/b", "'.git' too many" },
		{ "a.git.git", "'.git' too many" },
		{ "a.git.git/", "'.git' too many" },
		{ "a//b", "plainest" }, { "a/./b", "plainest" },
		{ "a/.", "plainest" }, { "a//", "plainest" },
		{ "a/./", "plainest" },
	};
	char name[GITREPO_MAX + 1] = "untouched", more[GITREPO_MAX + 2];
	struct err e;
	const char *p;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		if (gitrepo_name(t[i].arg, name, &e) != -1)
			fail_msg("taken: %s", t[i].arg);
		assert_err(&e, ERR_REFUSED, t[i].why);
		for (p = e.msg; *p != '\0'; p++)
			assert_true((unsigned char)*p >= 0x20);
		assert_string_equal(name, "untouched");
	}
	memset(more, 'a', sizeof(more) - 1);
	more[GITREPO_MAX + 1] = '\0';
	assert_int_equal(gitrepo_name(more, name, &e), -1);
	assert_err(&e, ERR_REFUSED, "too long");
	more[GITREPO_MAX] = '\0';
	assert_int_equal(gitrepo_name(more, name, &e), 0);
	assert_string_equal(name, more);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_of_one_repository_have_one_name),
		cmocka_unit_test(
		    what_is_no_repository_is_refused_with_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
