/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <sys/stat.h>

#include "place.h"
#include "pushstate.h"
#include "sys/lock.h"

static void
pushstate_replaces_a_file_and_keeps_it_to_itself(void **state)
{
	struct stat st;

	put("f", "a longer text\n");
	assert_int_equal(pushstate_write(at("f"), "12\n", 3, NULL), 0);
	assert_string_equal(got_file("f"), "12\n");
	assert_int_equal(stat(at("f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
pushstate_says_what_it_can_not_write(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(pushstate_write(at("none/f"), "1\n", 2, &e), -1);
	assert_err(&e, ERR_SYS, "No such file or directory");
	assert_int_equal(pushstate_write(at("none/f"), "1\n", 2, NULL), -1);
}

static void
pushstate_sweeps_what_was_left_and_nothing_else(void **state)
{
	put(".postern.0123456789abcdef", "half");
	put(".postern.x", "");
	put(".posternx", "mine");
	put("pushed", "1 1 1 ok\n");
	assert_int_equal(mkdir(at(".postern.d"), 0700), 0);
	pushstate_sweep(at("."));
	pushstate_sweep(at("none"));
	assert_int_equal(access(at(".postern.0123456789abcdef"), F_OK), -1);
	assert_int_equal(access(at(".postern.x"), F_OK), -1);
	assert_string_equal(got_file(".posternx"), "mine");
	assert_string_equal(got_file("pushed"), "1 1 1 ok\n");
	assert_int_equal(rmdir(at(".postern.d")), 0);
}

static void
pushstate_puts_a_file_under_the_lock_of_sweeps(void **state)
{
	struct err e = ERR_INIT;
	char lock[600];
	int fd;

	snprintf(lock, sizeof(lock), "%s", at(PUSHSTATE_LOCK));
	put("f", "old\n");
	assert_int_equal(lock_take(lock, 0, &fd, &e), 0);
	assert_int_equal(pushstate_put(at("."), "f", "new\n", 4, 0, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	assert_string_equal(got_file("f"), "old\n");
	close(fd);
	assert_int_equal(pushstate_put(at("."), "f", "new\n", 4, 0, &e), 0);
	assert_string_equal(got_file("f"), "new\n");
	/* And it is free again. */
	assert_int_equal(lock_take(lock, 0, &fd, &e), 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_place(pushstate_replaces_a_file_and_keeps_it_to_itself),
		in_place(pushstate_says_what_it_can_not_write),
		in_place(pushstate_sweeps_what_was_left_and_nothing_else),
		in_place(pushstate_puts_a_file_under_the_lock_of_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
