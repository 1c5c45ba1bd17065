/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "place.h"
#include "pushnote.h"
#include "pushstate.h"
#include "sys/lock.h"

/* A push with that sequence has ended, well or not; what is noted then. */
static struct pushnote
ended(uint64_t sequence, const char *why)
{
	struct pushnote n = { .time_s = 1000, .sequence = sequence, .keys = 7,
		.ok = why == NULL };
	struct err e = ERR_INIT;

	if (why != NULL)
		snprintf(n.why, sizeof(n.why), "%s", why);
	assert_int_equal(pushnote_put(at("."), &n, 0, &e), 0);
	pushnote_read(at("."), &n);
	return n;
}

static void
pushnote_is_none_until_there_is_one(void **state)
{
	static const char *const bad[] = { "", "x\n", "1\n", "1 2\n",
		"1 2 x\n" };
	struct pushnote n;
	size_t i;

	pushnote_read(at("none"), &n);
	assert_int_equal(n.time_s, 0);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		n.time_s = n.sequence = 1;
		put(PUSHNOTE_FILE, bad[i]);
		pushnote_read(at("."), &n);
		assert_int_equal(n.time_s, 0);
		assert_int_equal(n.sequence, 0);
		assert_false(n.ok);
	}
}

static void
pushnote_says_how_a_push_ended(void **state)
{
	struct pushnote n;

	put("sequence", "5\n");
	n = ended(5, NULL);
	assert_true(n.ok);
	assert_int_equal(n.time_s, 1000);
	assert_int_equal(n.sequence, 5);
	assert_int_equal(n.keys, 7);
	n = ended(5, "gw refused the keys: too few");
	assert_false(n.ok);
	assert_string_equal(n.why, "gw refused the keys: too few");
}

static void
pushnote_of_an_older_push_that_ends_later_changes_nothing(void **state)
{
	put("sequence", "6\n");
	assert_true(ended(6, NULL).ok);
	assert_int_equal(ended(5, "gw: took too long").sequence, 6);
	assert_true(ended(5, "gw: took too long").ok);
	/* Nor does one that ended well hide that the later one did not. */
	assert_false(ended(6, "gw: took too long").ok);
	assert_false(ended(5, NULL).ok);
	put("sequence", "7\n");
	assert_int_equal(ended(7, NULL).sequence, 7);
}

static void
pushnote_of_a_push_without_a_sequence_is_the_last_one(void **state)
{
	struct pushnote n = { .time_s = 2000, .why = "keydir: is not there" };
	struct err e = ERR_INIT;

	put("sequence", "6\n");
	assert_true(ended(6, NULL).ok);
	/* What was in force is so still, with its keys. */
	assert_int_equal(pushnote_put(at("."), &n, 0, &e), 0);
	pushnote_read(at("."), &n);
	assert_string_equal(n.why, "keydir: is not there");
	assert_int_equal(n.time_s, 2000);
	assert_int_equal(n.sequence, 6);
	assert_int_equal(n.keys, 7);
	assert_true(n.none);
	assert_false(n.ok);
	/* It stands for keys that are newer than those of one that hung. */
	assert_false(ended(5, NULL).ok);
	assert_int_equal(ended(5, NULL).sequence, 6);
	put("sequence", "7\n");
	assert_true(ended(7, NULL).ok);
	assert_false(ended(7, NULL).none);
}

static void
pushnote_from_before_the_sequence_was_lost_holds_up_none(void **state)
{
	put("sequence", "9000\n");
	assert_int_equal(ended(9000, NULL).sequence, 9000);
	/* A clock was wrong, and the file removed. */
	put("sequence", "50\n");
	assert_int_equal(ended(50, NULL).sequence, 50);
}

static void
pushnote_is_written_under_the_lock(void **state)
{
	struct pushnote n = { .time_s = 1, .ok = true };
	struct err e = ERR_INIT;
	int fd;

	assert_int_equal(lock_take(at(PUSHSTATE_LOCK), 0, &fd, &e), 0);
	assert_int_equal(pushnote_put(at("."), &n, 0, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	close(fd);
	assert_int_equal(access(at(PUSHNOTE_FILE), F_OK), -1);
	assert_int_equal(pushnote_put(at("."), &n, 0, &e), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_place(pushnote_is_none_until_there_is_one),
		in_place(pushnote_says_how_a_push_ended),
		in_place(
		    pushnote_of_an_older_push_that_ends_later_changes_nothing),
		in_place(pushnote_of_a_push_without_a_sequence_is_the_last_one),
		in_place(
		    pushnote_from_before_the_sequence_was_lost_holds_up_none),
		in_place(pushnote_is_written_under_the_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
