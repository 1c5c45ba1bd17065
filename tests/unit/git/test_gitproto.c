/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "gitproto.h"

static void
known_versions_are_let_through_and_the_rest_is_dropped(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ NULL, "" }, { "", "" }, { "version=2", "version=2" },
		{ "version=1", "version=1" }, { "version=0", "version=0" },
		{ "version=1:version=2", "version=2" },
		{ "version=2:version=0", "version=2" },
		{ "version=3", "" }, { "version=22", "" }, { "version=", "" },
		{ "version", "" }, { "version=2:future=x-1", "version=2" },
		{ "a:b:version=1", "version=1" }, { "Version=2", "" },
		{ ":", "" }, { ":::", "" }, { "xversion=2", "" },
		{ "version=2:", "version=2" }, { ":version=2", "version=2" },
		{ "version=2=2", "" }, { "../../x", "" },
	};
	char out[GITPROTO_MAX];
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(gitproto_filter(t[i].in, out, &e), 0);
		assert_string_equal(out, t[i].out);
	}
}

static void
what_no_git_sends_is_refused(void **state)
{
	static const char *const t[] = { "version=2:$(id)", "version=2;id",
		"version=2\n", "version=2 ", " ", "version=2\r", "a'b",
		"version=\x1b[2J", "\xff", "version=2:\xc3\xa9", "a\\b",
		"a|b", "`id`" };
	char out[GITPROTO_MAX] = "untouched", more[GITPROTO_IN_MAX + 2];
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		assert_int_equal(gitproto_filter(t[i], out, &e), -1);
		assert_err(&e, ERR_REFUSED, "no version of git sends");
	}
	memset(more, 'a', sizeof(more) - 1);
	more[sizeof(more) - 1] = '\0';
	assert_int_equal(gitproto_filter(more, out, &e), -1);
	assert_err(&e, ERR_REFUSED, "longer than 256");
	assert_string_equal(out, "untouched");
	more[GITPROTO_IN_MAX] = '\0';
	assert_int_equal(gitproto_filter(more, out, &e), 0);
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    known_versions_are_let_through_and_the_rest_is_dropped),
		cmocka_unit_test(what_no_git_sends_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
