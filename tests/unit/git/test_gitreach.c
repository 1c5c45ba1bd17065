/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "gitreach.h"

#define EXITED(n)	((n) << 8)	/* as waitpid(2) gives it */

static struct keyproc_end end;

static struct gitreach
reach(const char *const *said, int status, bool timed_out)
{
	struct gitreach r = { 0 };

	end = (struct keyproc_end){ .status = status, .timed_out = timed_out };
	for (; *said != NULL; said++) {
		gitreach_said(&r, *said);
		snprintf(end.said, sizeof(end.said), "%s", *said);
	}
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

static void
gitreach_takes_no_failure_of_runusers_own_for_a_session(void **state)
{
	static const char *const there[] = { "sh: 1: nothing: not found",
		NULL };
	static const struct {
		const char *said;
		int status;
	} here[] = {
		{ "runuser: failed to execute /usr/bin/no-such-ssh: No such "
		    "file or directory", 127 },
		{ "runuser: failed to execute ssh: Permission denied", 126 },
		{ "runuser: cannot open session: Module is unknown", 1 },
		{ "Killed", 137 },
		{ NULL, 143 },
	};
	const char *said[2] = { NULL, NULL };
	struct gitreach r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(here) / sizeof(*here); i++) {
		said[0] = here[i].said;
		r = reach(said, EXITED(here[i].status), false);
		assert_true(gitreach_runuser(&r, &end));
		assert_false(r.in);
	}
	/* A shell's on the other side. */
	r = reach(there, EXITED(127), false);
	assert_false(gitreach_runuser(&r, &end));
	assert_true(r.in);
	/* What it warned of. */
	said[0] = here[2].said;
	r = reach(said, EXITED(0), false);
	assert_false(gitreach_runuser(&r, &end));
	assert_true(r.in);
	/* ssh's own failure, and one that was ended for its time. */
	r = reach(denied, EXITED(255), false);
	assert_false(gitreach_runuser(&r, &end));
	r = reach(silent, EXITED(143), true);
	assert_false(gitreach_runuser(&r, &end));
}

static void
gitreach_of_a_session_that_spoke_and_was_lost_is_lost(void **state)
{
	static const char *const lost[] = { "client_loop: send disconnect: "
		"Broken pipe", NULL };
	struct gitreach r = reach(lost, EXITED(255), false);

	(void)state;
	gitreach_came(&r);
	assert_false(r.in);
	assert_int_equal(r.fail, SSHFAIL_LOST);
	/* What the session says beside is not ssh's. */
	r = reach(denied, EXITED(255), false);
	gitreach_came(&r);
	assert_false(r.in);
	assert_int_equal(r.fail, SSHFAIL_LOST);
	/* It hung, or its program was killed there. */
	r = reach(silent, 15, true);
	gitreach_came(&r);
	assert_true(r.in);
	r = reach(silent, EXITED(255), false);
	gitreach_came(&r);
	assert_true(r.in);
	/* It had ended. */
	r = reach(lost, EXITED(1), false);
	gitreach_came(&r);
	assert_true(r.in);
	assert_int_equal(r.status, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gitreach_keeps_why_no_session_came_about),
		cmocka_unit_test(
		    gitreach_of_a_session_that_failed_is_in_whatever_it_said),
		cmocka_unit_test(gitreach_of_an_ssh_that_was_ended_is_not_in),
		cmocka_unit_test(
		    gitreach_takes_no_failure_of_runusers_own_for_a_session),
		cmocka_unit_test(
		    gitreach_of_a_session_that_spoke_and_was_lost_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
