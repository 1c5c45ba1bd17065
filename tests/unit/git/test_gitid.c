/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "gitid.h"

#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16

static void
ids_of_the_grammar_are_taken(void **state)
{
	static const char *const t[] = { "a", "Z", "0", "alice", "a@b.com",
		"a-b_c.d+e@f", "9lives", A64, "info", "auth-update", "a..b",
		"a@", "a-" };
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_true(gitid_valid(t[i], strlen(t[i])));
		assert_int_equal(gitid_check(t[i], strlen(t[i]), &e), 0);
	}
}

static void
everything_else_is_refused_with_its_reason(void **state)
{
	static const struct { const char *id, *why; } t[] = {
		{ "", "is empty" },
		{ "--auth-update", "has to begin with" },
		{ "-oProxyCommand=id", "has to begin with" },
		{ "'admin info'", "has to begin with" },
		{ " alice", "has to begin with" },
		{ "$(id)", "has to begin with" },
		{ "a\",command=\"id", "letters, digits and" },
		{ "a\\", "letters, digits and" },
		{ "../x", "has to begin with" }, { ".", "has to begin" },
		{ "a/b", "letters, digits and" }, { "a b", "letters" },
		{ "a\n", "letters" }, { "a\x0b", "letters" },
		{ "a\xe9", "letters" }, { "a\xe2\x80\xa8", "letters" },
		{ "\xc3\xa9", "has to begin" }, { "_a", "has to begin" },
		{ "@a", "has to begin" }, { "+a", "has to begin" },
		{ "a;b", "letters" }, { "a'b", "letters" },
		{ "a`b", "letters" }, { "a=b", "letters" },
		{ "a:b", "letters" }, { "a~b", "letters" },
		{ A64 "a", "longer than 64" },
	};
	struct err e;
	const char *p;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		assert_false(gitid_valid(t[i].id, strlen(t[i].id)));
		assert_int_equal(gitid_check(t[i].id, strlen(t[i].id), &e),
		    -1);
		assert_err(&e, ERR_CONFIG, t[i].why);
		for (p = e.msg; *p != '\0'; p++)
			assert_in_range((unsigned char)*p, 0x20, 0xfe);
	}
	assert_false(gitid_valid("a\0b", 3));
	assert_int_equal(gitid_check("a\0b", 3, &e), -1);
	assert_err(&e, ERR_CONFIG, "letters");
}

/* As perl's s/(\@[^.]+)?\.pub$// does it. */
static void
files_are_named_as_gitolite_names_them(void **state)
{
	static const struct { const char *path, *id; } t[] = {
		{ "alice.pub", "alice" }, { "alice@laptop.pub", "alice" },
		{ "a@b.com.pub", "a@b.com" },
		{ "a@b.com@laptop.pub", "a@b.com" },
		{ "keydir/x/y/alice@work.pub", "alice" },
		{ "/k/alice.pub", "alice" },
		{ "a@b@c.pub", "a" }, { "a@.pub", "a@" },
		{ "a@@.pub", "a" }, { "foo.bar@laptop.pub", "foo.bar" },
		{ "foo.bar.pub", "foo.bar" }, { "a.pub.pub", "a.pub" },
		{ "a@b.pub.pub", "a@b.pub" },
		{ "dir.d@x/bob.pub", "bob" }, { A64 "@x.pub", A64 },
		{ "zzz.pub", "zzz" },
	};
	char id[GITID_MAX + 1];
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (gitid_from_path(t[i].path, id, &e) == -1)
			fail_msg("%s: %s", t[i].path, e.msg);
		assert_string_equal(id, t[i].id);
	}
}

static void
files_that_name_no_user_are_refused(void **state)
{
	static const struct { const char *path, *why; } t[] = {
		{ "", "does not end in .pub" }, { "pub", "does not end" },
		{ "alice", "does not end" }, { "alice.pub/", "does not end" },
		{ "alice.pub~", "does not end" }, { "a.PUB", "does not end" },
		{ "alice.pub\n", "does not end" }, { ".pub", "is empty" },
		{ "@x.pub", "is empty" }, { "k/.pub", "is empty" },
		{ "--auth-update.pub", "has to begin" },
		{ "-oProxyCommand=id.pub", "has to begin" },
		{ "a b.pub", "letters" }, { "$(id).pub", "has to begin" },
		{ "a\",command=\"id.pub", "letters" },
		{ "a\nb.pub", "letters" }, { "j\xf3n.pub", "letters" },
		{ A64 "a.pub", "longer than" },
	};
	char id[GITID_MAX + 1] = "untouched";
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		assert_int_equal(gitid_from_path(t[i].path, id, &e), -1);
		assert_err(&e, ERR_CONFIG, t[i].why);
		assert_string_equal(id, "untouched");
	}
	assert_int_equal(gitid_from_path("k/zzz-marked-for-add-al@b.pub", id,
	    &e), -1);
	assert_err(&e, ERR_REFUSED, "sskm");
	assert_int_equal(gitid_from_path("zzz-marked-for-del-al.pub", id, &e),
	    -1);
	assert_err(&e, ERR_REFUSED, "sskm");
}

static void
patterns_fit_as_a_whole(void **state)
{
	static const struct { const char *pattern, *s; bool fits; } t[] = {
		{ "", "", true }, { "", "a", false }, { "a", "a", true },
		{ "a", "ab", false }, { "ab", "a", false },
		{ "*", "", true }, { "*", "abc", true },
		{ "server-*", "server-x", true },
		{ "server-*", "server-", true },
		{ "server-*", "server", false },
		{ "server-*", "xserver-a", false },
		{ "*a*b", "xaxxb", true }, { "*a*b", "xaxbx", false },
		{ "a*a", "a", false }, { "a**", "a", true },
		{ "*.x", "a.x.x", true }, { "a*bc*d", "abcbcxd", true },
	};
	struct strv none = { 0 }, some = { 0 };
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (gitid_like(t[i].pattern, t[i].s) != t[i].fits)
			fail_msg("%s %s", t[i].pattern, t[i].s);
	assert_true(gitid_denied(NULL, "server-a"));
	assert_true(gitid_denied(NULL, "zzz-marked-for-add-a"));
	assert_false(gitid_denied(NULL, "alice"));
	assert_false(gitid_denied(&none, "server-a"));
	assert_int_equal(strv_add(&some, "root"), 0);
	assert_int_equal(strv_add(&some, "adm*"), 0);
	assert_true(gitid_denied(&some, "admin"));
	assert_true(gitid_denied(&some, "root"));
	assert_false(gitid_denied(&some, "server-a"));
	strv_clear(&some);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_of_the_grammar_are_taken),
		cmocka_unit_test(everything_else_is_refused_with_its_reason),
		cmocka_unit_test(files_are_named_as_gitolite_names_them),
		cmocka_unit_test(files_that_name_no_user_are_refused),
		cmocka_unit_test(patterns_fit_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
