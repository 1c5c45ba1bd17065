/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <errno.h>

#include "base/err.h"

static void
err_set_fills_and_returns_minus_one(void **state)
{
	struct err e = ERR_INIT;

	e.sys_errno = 5;
	assert_int_equal(err_set(&e, ERR_CONFIG, "%s:%u: bad", "f", 3u), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_int_equal(e.sys_errno, 0);
	assert_string_equal(e.msg, "f:3: bad");
}

static void
err_sys_adds_the_reason_and_keeps_errno(void **state)
{
	struct err e = ERR_INIT;

	errno = ENOENT;
	assert_int_equal(err_sys(&e, "/x"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(e.code, ERR_SYS);
	assert_int_equal(e.sys_errno, ENOENT);
	assert_string_equal(e.msg, "/x: No such file or directory");
}

static void
err_wrap_puts_a_place_in_front(void **state)
{
	struct err e = ERR_INIT;

	errno = EACCES;
	err_sys(&e, "open");
	assert_int_equal(err_wrap(&e, "host%d", 1), -1);
	assert_int_equal(e.code, ERR_SYS);
	assert_int_equal(e.sys_errno, EACCES);
	assert_string_equal(e.msg, "host1: open: Permission denied");
}

static void
a_message_that_is_too_long_is_cut_with_dots(void **state)
{
	struct err e = ERR_INIT;
	char big[2 * ERR_MSG_MAX];
	int i;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	for (i = 0; i < 3; i++) {
		errno = EIO;
		if (i == 0)
			err_set(&e, ERR_PEER, "%s", big);
		else if (i == 1)
			err_sys(&e, "%.500s", big);
		else
			err_wrap(&e, "%s", "a place");
		assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
		assert_string_equal(e.msg + ERR_MSG_MAX - 4, "...");
	}
}

static void
a_message_that_just_fits_is_not_cut(void **state)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_PEER, "%0*d", ERR_MSG_MAX - 1, 7);
	assert_string_equal(e.msg + ERR_MSG_MAX - 4, "007");
}

static void
no_err_to_fill_is_legal(void **state)
{
	assert_int_equal(err_set(NULL, ERR_MEM, "x"), -1);
	assert_int_equal(err_sys(NULL, "x"), -1);
	assert_int_equal(err_wrap(NULL, "x"), -1);
}

static void
exit_statuses_are_those_of_the_manual(void **state)
{
	assert_int_equal(err_exit(ERR_NONE), 0);
	assert_int_equal(err_exit(ERR_SYS), 1);
	assert_int_equal(err_exit(ERR_REFUSED), 1);
	assert_int_equal(err_exit(ERR_USAGE), 64);
	assert_int_equal(err_exit(ERR_TIMEOUT), 75);
	assert_int_equal(err_exit(ERR_BUSY), 75);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_set_fills_and_returns_minus_one),
		cmocka_unit_test(err_sys_adds_the_reason_and_keeps_errno),
		cmocka_unit_test(err_wrap_puts_a_place_in_front),
		cmocka_unit_test(a_message_that_is_too_long_is_cut_with_dots),
		cmocka_unit_test(a_message_that_just_fits_is_not_cut),
		cmocka_unit_test(no_err_to_fill_is_legal),
		cmocka_unit_test(exit_statuses_are_those_of_the_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
