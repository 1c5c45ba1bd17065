/* SPDX-License-Identifier: ISC */
#include "../unit.h"
#include "../failmalloc.h"

#include <limits.h>

#include "grants.h"

struct seen {
	char text[4096];
};

static int
take(void *arg, char letter, const char *path, struct err *e)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);

	snprintf(s->text + len, sizeof(s->text) - len, "%c%s;", letter, path);
	return strcmp(path, "/stop") == 0 ?
	    err_set(e, ERR_REFUSED, "stopped") : 0;
}

static void
grants_are_read_with_any_byte_but_nul(void **state)
{
	static const char text[] = "l /\nr /a\\040b\\012\\134\\377\nr /c\n"
	    "x /c/d\nd /e\n";
	struct err e = ERR_INIT;
	struct seen s = { "" };

	assert_int_equal(grants_parse(text, sizeof(text) - 1, take, &s, &e),
	    0);
	assert_string_equal(s.text, "l/;r/a b\n\\\xff;r/c;x/c/d;d/e;");
	assert_int_equal(grants_parse("", 0, take, &s, &e), 0);
}

static void
grants_name_the_line_that_is_wrong(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "r /a\nr /b", "line 2: not ended" },
		{ "r /a\n\n", "line 2: not 'r PATH'" },
		{ "w /a\n", "line 1: not 'r PATH'" },
		{ "r  /a\n", "must be written" },
		{ "r a\n", "not absolute" },
		{ "r /a/../b\n", "part . or .." },
		{ "r /a/.\n", "part . or .." },
		{ "r /\\056\\056/b\n", "part . or .." },
		{ "r /a//b\n", "empty part" },
		{ "r /a/\n", "ends in /" },
		{ "r /a\\\n", "octal" },
		{ "r /a\\08\n", "octal" },
		{ "r /a\\400\n", "octal" },
		{ "r /a\\000\n", "NUL" },
		{ "r /a b\n", "must be written" },
		{ "r /a\x7f\n", "must be written" },
	};
	struct err e = ERR_INIT;
	struct seen s = { "" };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(grants_parse(rows[i].text,
		    strlen(rows[i].text), take, &s, &e), -1);
		assert_err(&e, ERR_CONFIG, rows[i].why);
	}
}

static void
grants_refuse_a_path_that_is_too_long(void **state)
{
	static char text[PATH_MAX + 8];
	struct err e = ERR_INIT;
	struct seen s = { "" };

	memset(text, 'a', sizeof(text));
	memcpy(text, "r /", 3);
	text[PATH_MAX + 2] = '\n';
	assert_int_equal(grants_parse(text, PATH_MAX + 3, take, &s, &e), -1);
	assert_err(&e, ERR_CONFIG, "too long");
}

static void
grants_stop_when_the_caller_fails(void **state)
{
	static const char text[] = "r /stop\nr /more\n";
	struct err e = ERR_INIT;
	struct seen s = { "" };

	assert_int_equal(grants_parse(text, sizeof(text) - 1, take, &s, &e),
	    -1);
	assert_err(&e, ERR_REFUSED, "stopped");
	assert_string_equal(s.text, "r/stop;");
}

static void
grants_written_are_the_grants_read(void **state)
{
	struct err e = ERR_INIT;
	struct seen s = { "" };
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(grants_add(&b, 'l', "/", &e), 0);
	assert_int_equal(grants_add(&b, 'r', "/a b\\\n\x01\xff", &e), 0);
	assert_string_equal(b.data, "l /\nr /a\\040b\\134\\012\\001\xff\n");
	assert_int_equal(grants_parse(b.data, b.len, take, &s, &e), 0);
	assert_string_equal(s.text, "l/;r/a b\\\n\x01\xff;");
	assert_int_equal(grants_add(&b, 'r', "a", &e), -1);
	assert_err(&e, ERR_CONFIG, "a: the path is not absolute");
	assert_int_equal(grants_add(&b, 'w', "/a", &e), -1);
	buf_clear(&b);
}

static void
grants_leave_what_was_written_when_memory_is_out(void **state)
{
	struct err e = ERR_INIT;
	struct buf b;
	unsigned long n;
	int rc;

	for (n = 1;; n++) {
		buf_init(&b, 4096);
		failmalloc_arm(n);
		rc = grants_add(&b, 'r', "/a", &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_err(&e, ERR_MEM, "grants");
		assert_int_equal(b.len, 0);
		buf_clear(&b);
	}
	assert_true(n > 1);
	buf_clear(&b);
	buf_init(&b, 7);
	assert_int_equal(grants_add(&b, 'l', "/", &e), 0);
	assert_int_equal(grants_add(&b, 'l', "/", &e), -1);
	assert_string_equal(b.data, "l /\n");
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grants_are_read_with_any_byte_but_nul),
		cmocka_unit_test(grants_name_the_line_that_is_wrong),
		cmocka_unit_test(grants_refuse_a_path_that_is_too_long),
		cmocka_unit_test(grants_stop_when_the_caller_fails),
		cmocka_unit_test(grants_written_are_the_grants_read),
		cmocka_unit_test(
		    grants_leave_what_was_written_when_memory_is_out),
	};

	return cmocka_run_group_tests_name("grants", tests, NULL, NULL);
}
