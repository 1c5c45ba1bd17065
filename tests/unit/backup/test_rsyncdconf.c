/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "rsyncdconf.h"

static void
a_backup_and_a_restore_have_their_files(void **state)
{
	struct rsyncdconf c = { .path = "/", .rules = "/run/x/rules" };
	struct err e = ERR_INIT;
	struct buf out;

	buf_init(&out, 65536);
	assert_int_equal(rsyncdconf_emit(&c, &out, &e), 0);
	assert_non_null(strstr(out.data, "\nread only = yes\n"));
	assert_non_null(strstr(out.data, "\nmunge symlinks = no\n"));
	assert_non_null(strstr(out.data, "\nrefuse options = * !v !l "));
	assert_non_null(strstr(out.data, "\n[root]\npath = /\n"
	    "exclude from = /run/x/rules\n"));
	assert_null(strstr(out.data, "uid"));
	assert_null(strstr(out.data, "fake"));
	assert_null(strstr(out.data, "!R"));
	buf_clear(&out);
	c.relative = true;
	assert_int_equal(rsyncdconf_emit(&c, &out, &e), 0);
	assert_non_null(strstr(out.data, " !R\n"));
	buf_clear(&out);
	c = (struct rsyncdconf){ .path = "/my store/web/web.1970-01-01.5",
		.ids = true, .fake_super = true };
	assert_int_equal(rsyncdconf_emit(&c, &out, &e), 0);
	assert_non_null(strstr(out.data, "\nuid = 0\ngid = 0\n"
	    "fake super = yes\n[root]\n"
	    "path = /my store/web/web.1970-01-01.5\n"));
	assert_null(strstr(out.data, "exclude"));
	buf_clear(&out);
}

static void
a_path_that_the_file_cannot_hold_is_refused(void **state)
{
	static const struct { const char *path, *why; } t[] = {
		{ "store", "is not absolute" }, { "/a/../b", "'..'" },
		{ "/a\nread only = no", "control character" },
		{ "/a\rb", "control character" }, { "/a\tb", "control" },
		{ "/a ", "ends in a space" }, { "/a\\", "ends in a space" },
		{ "/%HOME%/x", "two '%'" },
		{ "/50%", NULL }, { "/\xff b#;=", NULL },
	};
	struct rsyncdconf c;
	struct err e;
	struct buf out;
	size_t i;
	int rc, rules;

	for (i = 0; i < sizeof(t) / sizeof(t[0]) * 2; i++) {
		rules = i % 2;
		c = (struct rsyncdconf){ .path = rules ? "/" : t[i / 2].path,
			.rules = rules ? t[i / 2].path : NULL };
		buf_init(&out, 65536);
		rc = rsyncdconf_emit(&c, &out, &e);
		assert_int_equal(rc, t[i / 2].why == NULL ? 0 : -1);
		if (rc == -1) {
			assert_err(&e, ERR_CONFIG, t[i / 2].why);
			assert_int_equal(out.len, 0);
		}
		buf_clear(&out);
	}
	failmalloc_arm(1);
	c = (struct rsyncdconf){ .path = "/" };
	assert_int_equal(rsyncdconf_emit(&c, &out, &e), -1);
	assert_true(failmalloc_disarm());
	assert_int_equal(e.code, ERR_MEM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_backup_and_a_restore_have_their_files),
		cmocka_unit_test(a_path_that_the_file_cannot_hold_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
