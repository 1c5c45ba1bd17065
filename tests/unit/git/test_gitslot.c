/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gitslot.h"

static int dir = -1;
static char path[] = "/tmp/gitslot.XXXXXX";

static int
setup(void **state)
{
	if (mkdtemp(path) == NULL)
		return -1;
	dir = open(path, O_RDONLY | O_DIRECTORY);
	return dir == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	unlinkat(dir, "a", 0);
	unlinkat(dir, "b", 0);
	close(dir);
	return rmdir(path);
}

static void
a_slot_is_held_until_it_is_closed(void **state)
{
	int fd[3] = { -1, -1, -1 };
	struct err e = ERR_INIT;

	assert_int_equal(gitslot_take(dir, "a", 2, 0, &fd[0], &e), 0);
	assert_int_equal(gitslot_take(dir, "a", 2, 0, &fd[1], &e), 0);
	assert_int_equal(gitslot_take(dir, "a", 2, 0, &fd[2], &e), -1);
	assert_err(&e, ERR_BUSY, "'a' has 2 sessions at once");
	assert_int_equal(fd[2], -1);
	assert_int_equal(gitslot_take(dir, "b", 2, 0, &fd[2], &e), 0);
	close(fd[2]);
	close(fd[0]);
	assert_int_equal(gitslot_take(dir, "a", 2, 0, &fd[0], &e), 0);
	close(fd[0]);
	close(fd[1]);
}

static void
without_limits_nothing_is_made(void **state)
{
	int fd = 5;

	assert_int_equal(gitslot_take(dir, "none", 0, 0, &fd, NULL), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(faccessat(dir, "none", F_OK, 0), -1);
}

static void
the_rate_is_kept_in_the_file(void **state)
{
	struct err e = ERR_INIT;
	int fd = -1, i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(gitslot_take(dir, "b", 0, 3, &fd, &e), 0);
		close(fd);
	}
	assert_int_equal(gitslot_take(dir, "b", 0, 3, &fd, &e), -1);
	assert_err(&e, ERR_BUSY, "3 sessions a minute");
}

static void
a_link_is_not_followed(void **state)
{
	struct err e = ERR_INIT;
	int fd = -1;

	assert_int_equal(symlinkat("/tmp/elsewhere", dir, "l"), 0);
	assert_int_equal(gitslot_take(dir, "l", 1, 0, &fd, &e), -1);
	unlinkat(dir, "l", 0);
	assert_int_equal(mkfifoat(dir, "l", 0600), 0);
	assert_int_equal(gitslot_take(dir, "l", 1, 0, &fd, &e), -1);
	assert_err(&e, ERR_UNSAFE, "not a regular file");
	unlinkat(dir, "l", 0);
}

#define S UINT64_C(1000000000)

static void
a_minutes_worth_may_come_at_once_and_then_one_by_one(void **state)
{
	uint64_t due = 0, now = 1000 * S;
	int i;

	for (i = 0; i < 6; i++)
		assert_true(gitslot_turn(&due, now, 6));
	assert_false(gitslot_turn(&due, now, 6));
	assert_false(gitslot_turn(&due, now + 10 * S - 1, 6));
	assert_true(gitslot_turn(&due, now + 10 * S, 6));
	assert_false(gitslot_turn(&due, now + 10 * S, 6));
	/* After a minute without any, all of it is there again, not more. */
	now += 1000 * S;
	for (i = 0; i < 6; i++)
		assert_true(gitslot_turn(&due, now, 6));
	assert_false(gitslot_turn(&due, now, 6));
}

static void
a_time_that_can_not_be_is_no_debt(void **state)
{
	uint64_t due = UINT64_MAX;

	assert_true(gitslot_turn(&due, 5 * S, 1));
	assert_false(gitslot_turn(&due, 5 * S, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slot_is_held_until_it_is_closed),
		cmocka_unit_test(without_limits_nothing_is_made),
		cmocka_unit_test(the_rate_is_kept_in_the_file),
		cmocka_unit_test(a_link_is_not_followed),
		cmocka_unit_test(
		    a_minutes_worth_may_come_at_once_and_then_one_by_one),
		cmocka_unit_test(a_time_that_can_not_be_is_no_debt),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
