/* SPDX-License-Identifier: ISC */
/* What comes while a person is asked, and what is done with the answer. */
#include "term.h"

/* That key drops what is before it. */
#define CTRL_C_THEN	"\x03more words\r"

/* Shows what it was called with, and goes on once the terminal has seen all
 * of CTRL_C_THEN. */
static void
hold(void *arg, size_t len)
{
	int rest = 0;

	printf("%zu\n", len);
	fflush(stdout);
	while (ioctl(0, FIONREAD, &rest) == 0 &&
	    rest < (int)strlen(CTRL_C_THEN) - 1)
		poll(NULL, 0, 5);
	printf("held\n");
	fflush(stdout);
	(void)arg;
}

static void
what_is_done_with_it_is_done_without_echo_and_signals(void **state)
{
	struct tty_on on = { .path = "/dev/tty", .then = hold };
	struct err e = ERR_INIT;
	unsigned char buf[64];
	struct term t = { .len = 0 };
	size_t len;
	int status;
	bool echo;

	fflush(NULL);
	t.pid = forkpty(&t.fd, NULL, NULL, NULL);
	if (t.pid == 0)
		_exit(tty_ask_on(&on, PROMPT, buf, 64, 0, &len, &e) == 0 ? 7 :
		    8);
	term_wait(&t, PROMPT, 1);
	term_type(&t, "secret word\r");
	term_wait(&t, "11\r\n", 1);
	assert_false(term_echoes(&t));
	term_type(&t, CTRL_C_THEN);
	term_wait(&t, "held\r\n", 1);
	status = term_end(&t, &echo);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	assert_true(echo);
	assert_non_null(strstr(t.seen, "\r\n11\r\nheld\r\n"));
	assert_null(strstr(t.seen, "words"));
}

static void
the_deadline_ends_it_and_restores_the_echo(void **state)
{
	struct job j = { .cap = 64, .timeout_ms = 50, .code = ERR_TIMEOUT };
	struct term t;
	bool echo;

	term_start(&t, &j);
	assert_int_equal(term_end(&t, &echo), 0);
	assert_true(echo);
}

static void
ctrl_c_restores_the_echo_and_then_ends_the_process(void **state)
{
	struct job j = { .cap = 64, .want = "" };
	struct term t;
	bool echo;
	int status;

	term_start(&t, &j);
	term_wait(&t, PROMPT, 1);
	term_type(&t, "secr\003");
	status = term_end(&t, &echo);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
	assert_true(echo);
	assert_null(strstr(t.seen, "secr"));
}

static void
a_kill_by_sigterm_restores_the_echo(void **state)
{
	struct job j = { .cap = 64, .want = "" };
	struct term t;
	bool echo;
	int status;

	term_start(&t, &j);
	term_wait(&t, PROMPT, 1);
	assert_int_equal(kill(t.pid, SIGTERM), 0);
	status = term_end(&t, &echo);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_true(echo);
}

static void
block_sigint(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGINT);
	sigprocmask(SIG_BLOCK, &s, NULL);
}

static void
nothing(int signo)
{
}

static void
catch_sigint(void)
{
	signal(SIGINT, nothing);
}

static void
a_caller_that_holds_or_catches_sigint_gets_refused(void **state)
{
	struct job j = { .cap = 64, .code = ERR_REFUSED };
	struct term t;
	bool echo;
	int i;

	for (i = 0; i < 2; i++) {
		j.before = i == 0 ? block_sigint : catch_sigint;
		term_start(&t, &j);
		term_wait(&t, PROMPT, 1);
		term_type(&t, "secr\003");
		assert_int_equal(term_end(&t, &echo), 0);
		assert_true(echo);
	}
}

static void
ctrl_z_restores_the_echo_and_the_question_comes_again(void **state)
{
	struct job j = { .cap = 64, .want = "secret" };
	struct term t;
	bool echo;
	int status;

	/* forkpty's child leads its session, so a stop typed at its terminal
	 * would be thrown away (orphaned group): SIGTSTP is only seen to be
	 * survived, with the question asked again. */
	term_start(&t, &j);
	term_wait(&t, PROMPT, 1);
	term_type(&t, "nonsense\032");
	term_wait(&t, PROMPT, 2);
	assert_false(term_echoes(&t));
	term_type(&t, "secret\r");
	status = term_end(&t, &echo);
	assert_int_equal(status, 0);
	assert_true(echo);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_done_with_it_is_done_without_echo_and_signals),
		cmocka_unit_test(the_deadline_ends_it_and_restores_the_echo),
		cmocka_unit_test(
		    ctrl_c_restores_the_echo_and_then_ends_the_process),
		cmocka_unit_test(a_kill_by_sigterm_restores_the_echo),
		cmocka_unit_test(
		    a_caller_that_holds_or_catches_sigint_gets_refused),
		cmocka_unit_test(
		    ctrl_z_restores_the_echo_and_the_question_comes_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
