/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "gitreach.h"

#define EXITED(n)	((n) << 8)	/* as waitpid(2) gives it */

static struct gitreach
reach(const char *const *said, int status, bool timed_out)
{
	struct keyproc_end end = { .status = status, .timed_out = timed_out };
	struct gitreach r = { 0 };

	for (; *said != NULL; said++)
		gitreach_said(&r, *said);
	gitreach_end(&r, &end);
	return r;
}

static const char *const denied[] = { "git@gl: Permission denied (publickey).",
	NULL };
static const char *const changed[] = {
	"@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @",
	"Host key verification failed.", NULL };
static const char *const silent[] = { NULL };

static void
gitreach_keeps_why_no_session_came_about(void **state)
{
	(void)state;
	assert_int_equal(reach(denied, EXITED(255), false).fail,
	    SSHFAIL_DENIED);
	assert_false(reach(denied, EXITED(255), false).in);
	assert_int_equal(reach(changed, EXITED(255), false).fail,
	    SSHFAIL_HOSTKEY_CHANGED);
	assert_false(reach(silent, EXITED(255), false).in);
	assert_int_equal(reach(silent, EXITED(255), false).fail,
	    SSHFAIL_OTHER);
}

static void
gitreach_of_a_session_that_failed_is_in_whatever_it_said(void **state)
{
	struct gitreach r = reach(denied, EXITED(127), false);

	(void)state;
	assert_true(r.in);
	assert_int_equal(r.status, 127);
	assert_int_equal(r.fail, SSHFAIL_OTHER);
	r = reach(silent, EXITED(0), false);
	assert_true(r.in);
	assert_int_equal(r.status, 0);
}

static void
gitreach_of_an_ssh_that_was_ended_is_not_in(void **state)
{
	(void)state;
	assert_false(reach(silent, 15, false).in);
	assert_false(reach(silent, EXITED(0), true).in);
	assert_int_equal(reach(denied, 9, true).fail, SSHFAIL_DENIED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gitreach_keeps_why_no_session_came_about),
		cmocka_unit_test(
		    gitreach_of_a_session_that_failed_is_in_whatever_it_said),
		cmocka_unit_test(gitreach_of_an_ssh_that_was_ended_is_not_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
