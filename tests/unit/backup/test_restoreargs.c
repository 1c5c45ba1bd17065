/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "restoreargs.h"

static void
paths_of(struct strv *v, const char *const *words)
{
	for (; *words != NULL; words++)
		assert_int_equal(strv_add(v, *words), 0);
}

static void
assert_words(const struct strv *got, const char *const *want)
{
	size_t i;

	for (i = 0; want[i] != NULL; i++) {
		assert_true(i < got->n);
		assert_string_equal(got->v[i], want[i]);
	}
	assert_int_equal(got->n, i);
}

static void
typed_paths_become_plain_and_cover_no_other(void **state)
{
	static const struct { const char *in[6], *out[6]; } t[] = {
		{ { NULL }, { "/" } },
		{ { "/etc/", NULL }, { "/etc" } },
		{ { "/", "/etc", NULL }, { "/" } },
		{ { "/a/b", "/a", "/ab", NULL }, { "/a", "/ab" } },
		{ { "/a", "/a/", "/a", NULL }, { "/a" } },
		{ { "///", NULL }, { "/" } },
	};
	struct err e = ERR_INIT;
	size_t i, n;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct strv got = { 0 };

		for (n = 0; t[i].in[n] != NULL; n++)
			continue;
		assert_int_equal(restoreargs_paths((char **)(void *)
		    (uintptr_t)t[i].in, n, &got, &e), 0);
		assert_words(&got, t[i].out);
		strv_clear(&got);
	}
}

static void
a_path_that_is_not_plain_is_refused_by_name(void **state)
{
	static const char *const t[] = { "etc", "", "/a/../b", "/a//b",
		"/a\n/..", "../x" };
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct strv got = { 0 };
		char *one = (char *)(uintptr_t)t[i];

		assert_int_equal(restoreargs_paths(&one, 1, &got, &e), -1);
		assert_int_equal(e.code, ERR_USAGE);
		assert_null(strchr(e.msg, '\n'));
		strv_clear(&got);
	}
}

static void
base_is_the_deepest_common_folder_without_wildcards(void **state)
{
	static const struct { const char *in[4], *base; } t[] = {
		{ { "/" }, "/" },
		{ { "/etc" }, "/" },
		{ { "/etc/ssh/x" }, "/etc/ssh" },
		{ { "/etc/ssh/x", "/etc/y" }, "/etc" },
		{ { "/etc/ssh/x", "/etcetera/y" }, "/" },
		{ { "/home/u/a/1", "/home/u/a/2", "/home/u/b/c/d" },
		    "/home/u" },
		{ { "/a/b", "/a/b/c" }, "/a" },
		{ { "/a/w*x/b/c" }, "/a" },
		{ { "/w?x/b/c" }, "/" },
		{ { "/a/b\nc/d/e" }, "/a" },
		{ { "/a/b\\c/d/e" }, "/a" },
		{ { "/a b/[x]" }, "/a b" },
	};
	char base[PLAIN_MAX + 1];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct strv v = { 0 };

		paths_of(&v, t[i].in);
		restoreargs_base(&v, base);
		assert_string_equal(base, t[i].base);
		strv_clear(&v);
	}
}

static void
sources_and_rules_name_the_paths_and_no_more(void **state)
{
	static const struct {
		const char *in[4], *base, *sources[4], *rules[10];
	} t[] = {
		{ { "/" }, "/", { "/" }, { NULL } },
		{ { "/etc/passwd" }, "/", { "/etc" }, { "--include=/etc/",
		    "--include=/etc/passwd", "--include=/etc/passwd/**",
		    "--exclude=*" } },
		{ { "/etc/passwd" }, "/etc", { "/etc/passwd" },
		    { "--include=/passwd", "--include=/passwd/**",
		    "--exclude=*" } },
		{ { "/h/u/a", "/h/u/b", "/h/v" }, "/h", { "/h/u", "/h/v" },
		    { "--include=/u/", "--include=/u/a", "--include=/u/a/**",
		    "--include=/u/b", "--include=/u/b/**", "--include=/v",
		    "--include=/v/**", "--exclude=*" } },
		/* A '\' is escaped where there is a wildcard, only there. */
		{ { "/a/w*\\?[", "/a/\\", NULL }, "/a",
		    { "/a/w????", "/a/?" }, { "--include=/w\\*\\\\\\?\\[",
		    "--include=/w\\*\\\\\\?\\[/**", "--include=/\\",
		    "--include=/\\\\/**", "--exclude=*" } },
		{ { "/n\nl/x" }, "/", { "/n?l" }, { "--include=/n\nl/",
		    "--include=/n\nl/x", "--include=/n\nl/x/**",
		    "--exclude=*" } },
	};
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct strv v = { 0 }, sources = { 0 }, rules = { 0 };

		paths_of(&v, t[i].in);
		assert_int_equal(restoreargs_make(&v, t[i].base, &sources,
		    &rules, &e), 0);
		assert_words(&sources, t[i].sources);
		assert_words(&rules, t[i].rules);
		strv_clear(&v);
		strv_clear(&sources);
		strv_clear(&rules);
	}
}

static void
a_path_too_long_for_a_rule_is_refused(void **state)
{
	struct strv v = { 0 }, sources = { 0 }, rules = { 0 };
	char path[PLAIN_MAX + 1];
	struct err e;

	memset(path, '*', PLAIN_MAX);
	path[0] = '/';
	path[PLAIN_MAX] = '\0';
	assert_int_equal(strv_add(&v, path), 0);
	assert_int_equal(restoreargs_make(&v, "/", &sources, &rules, &e), -1);
	assert_err(&e, ERR_USAGE, "restore the folder above it");
	strv_clear(&v);
	strv_clear(&sources);
	strv_clear(&rules);
}

static void
each_failing_allocation_is_told(void **state)
{
	char one[] = "/h/u/a*", two[] = "/h/v/", *typed[] = { one, two };
	unsigned long n;
	int rc;

	for (n = 1;; n++) {
		struct strv v = { 0 }, sources = { 0 }, rules = { 0 };
		struct err e = ERR_INIT;

		failmalloc_arm(n);
		rc = restoreargs_paths(typed, 2, &v, &e);
		if (rc == 0)
			rc = restoreargs_make(&v, "/h", &sources, &rules, &e);
		strv_clear(&v);
		strv_clear(&sources);
		strv_clear(&rules);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typed_paths_become_plain_and_cover_no_other),
		cmocka_unit_test(a_path_that_is_not_plain_is_refused_by_name),
		cmocka_unit_test(
		    base_is_the_deepest_common_folder_without_wildcards),
		cmocka_unit_test(sources_and_rules_name_the_paths_and_no_more),
		cmocka_unit_test(a_path_too_long_for_a_rule_is_refused),
		cmocka_unit_test(each_failing_allocation_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
