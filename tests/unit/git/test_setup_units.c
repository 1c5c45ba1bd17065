/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "setup_units.h"

static struct err e;

static unsigned
times(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

static void
a_unit_is_the_packaged_one_but_for_user_and_program(void **state)
{
	static const char *const services[] = { SETUP_UNITS_MUX,
		SETUP_UNITS_PUSH };
	const struct setup_units_row *r;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		buf_init(&b, 8192);
		for (r = setup_units_rows; strcmp(r->name, services[i]) != 0;)
			r++;
		assert_int_equal(setup_units_text(services[i], "hosting",
		    "/opt/p/postern-git", &b, &e), 0);
		assert_int_equal(times(b.data, "\nUser=hosting\n"), 1);
		assert_int_equal(times(b.data,
		    "\nExecStart=/opt/p/postern-git "), 1);
		assert_int_equal(times(b.data, "User=git"), 0);
		assert_int_equal(times(b.data, "/usr/local/bin/"), 0);
		assert_int_equal(b.len, strlen(r->text) +
		    strlen("hosting") - strlen("git") +
		    strlen("/opt/p/postern-git") -
		    strlen("/usr/local/bin/postern git"));
		buf_clear(&b);
	}
}

static void
a_timer_is_the_packaged_one(void **state)
{
	const struct setup_units_row *r = setup_units_rows;
	struct buf b;

	buf_init(&b, 8192);
	while (strcmp(r->name, SETUP_UNITS_TIMER) != 0)
		r++;
	assert_int_equal(setup_units_text(SETUP_UNITS_TIMER, "hosting",
	    "/opt/p/postern-git", &b, &e), 0);
	assert_string_equal(b.data, r->text);
	buf_clear(&b);
}

static void
what_systemd_would_read_as_something_else_is_refused(void **state)
{
	static const char *const bad[] = { "", "a b", "%h", "a\nUser=root",
		"$HOME", "a;b", "\"a\"", "a\\x20b", "\xc3\xa4" };
	struct buf b;
	size_t i;

	buf_init(&b, 8192);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(setup_units_text(SETUP_UNITS_MUX, bad[i],
		    "/p", &b, &e), -1);
		assert_int_equal(e.code, ERR_UNSAFE);
		assert_int_equal(setup_units_text(SETUP_UNITS_MUX, "git",
		    bad[i], &b, &e), -1);
		assert_int_equal(e.code, ERR_UNSAFE);
	}
	assert_int_equal(b.len, 0);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_unit_is_the_packaged_one_but_for_user_and_program),
		cmocka_unit_test(a_timer_is_the_packaged_one),
		cmocka_unit_test(
		    what_systemd_would_read_as_something_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
