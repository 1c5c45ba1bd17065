/* SPDX-License-Identifier: ISC */
#include "term.h"

static void
the_answer_comes_without_echo_and_newline(void **state)
{
	struct job j = { .cap = 64, .want = "secret word" };
	struct term t;
	bool echo;

	term_start(&t, &j);
	term_wait(&t, PROMPT, 1);
	assert_false(term_echoes(&t));
	term_type(&t, "secret word\r");
	assert_int_equal(term_end(&t, &echo), 0);
	assert_true(echo);
	assert_string_equal(t.seen, PROMPT "\r\n");
}

static void
lose_terminal(void)
{
	signal(SIGHUP, SIG_IGN);
	if (ioctl(0, TIOCNOTTY) == -1)
		_exit(6);
}

static void
one_who_has_no_terminal_is_asked_on_that_of_a_name(void **state)
{
	struct job j = { .cap = 64, .want = "secret word", .by_name = true,
	    .before = lose_terminal };
	struct term t;
	bool echo;

	term_start(&t, &j);
	term_wait(&t, PROMPT, 1);
	assert_false(term_echoes(&t));
	term_type(&t, "secret word\r");
	assert_int_equal(term_end(&t, &echo), 0);
	assert_true(echo);
	assert_string_equal(t.seen, PROMPT "\r\n");
}

static void
what_is_typed_beyond_the_answer_is_dropped(void **state)
{
	struct job j = { .cap = 64, .want = "secret word" };
	struct term t;
	bool echo;

	term_start(&t, &j);
	term_wait(&t, PROMPT, 1);
	term_type(&t, "secret word\rmore words\r");
	assert_int_equal(term_end(&t, &echo), 0);
	assert_string_equal(t.seen, PROMPT "\r\n");
}

static void
an_answer_of_exactly_the_cap_fits(void **state)
{
	struct job j = { .cap = 6, .want = "secret" };
	struct term t;
	bool echo;

	term_start(&t, &j);
	term_wait(&t, PROMPT, 1);
	term_type(&t, "secret\r");
	assert_int_equal(term_end(&t, &echo), 0);
}

static void
an_empty_answer_is_an_answer(void **state)
{
	struct job j = { .cap = 6, .want = "" };
	struct term t;
	bool echo;

	term_start(&t, &j);
	term_wait(&t, PROMPT, 1);
	term_type(&t, "\r");
	assert_int_equal(term_end(&t, &echo), 0);
}

static void
a_longer_answer_is_refused_and_its_rest_is_dropped(void **state)
{
	struct job j = { .cap = 6, .code = ERR_USAGE };
	struct term t;
	bool echo;

	term_start(&t, &j);
	term_wait(&t, PROMPT, 1);
	term_type(&t, "secrets and more\r");
	assert_int_equal(term_end(&t, &echo), 0);
	assert_true(echo);
	assert_string_equal(t.seen, PROMPT "\r\n");
}

static void
a_line_that_the_terminal_cuts_is_refused(void **state)
{
	struct job j = { .cap = 6000, .code = ERR_USAGE };
	char line[1001];
	struct term t;
	bool echo;
	int i;

	memset(line, 's', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	term_start(&t, &j);
	term_wait(&t, PROMPT, 1);
	for (i = 0; i < 5; i++)
		term_type(&t, line);
	term_type(&t, "\r");
	assert_int_equal(term_end(&t, &echo), 0);
	assert_true(echo);
}

static void
end_of_file_is_no_answer(void **state)
{
	struct job j = { .cap = 64, .code = ERR_REFUSED };
	struct term t;
	bool echo;

	term_start(&t, &j);
	term_wait(&t, PROMPT, 1);
	term_type(&t, "\004");
	assert_int_equal(term_end(&t, &echo), 0);
	assert_true(echo);
}

static void
without_a_terminal_it_says_so(void **state)
{
	struct err e = ERR_INIT;
	unsigned char buf[4];
	size_t len;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setsid() == -1)
			_exit(1);
		_exit(tty_ask(PROMPT, buf, 4, 1000, &len, &e) == -1 &&
		    e.code == ERR_SYS &&
		    strstr(e.msg, "no terminal") != NULL ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
the_size_is_the_terminals_or_80_by_24(void **state)
{
	struct winsize w = { .ws_row = 33, .ws_col = 111 };
	int master, slave, p[2];

	assert_int_equal(openpty(&master, &slave, NULL, NULL, &w), 0);
	assert_int_equal(tty_width(slave), 111);
	assert_int_equal(tty_height(slave), 33);
	memset(&w, 0, sizeof(w));
	assert_int_equal(ioctl(master, TIOCSWINSZ, &w), 0);
	assert_int_equal(tty_width(slave), 80);
	assert_int_equal(tty_height(slave), 24);
	close(master);
	close(slave);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(tty_width(p[0]), 80);
	assert_int_equal(tty_height(p[0]), 24);
	close(p[0]);
	close(p[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_comes_without_echo_and_newline),
		cmocka_unit_test(
		    one_who_has_no_terminal_is_asked_on_that_of_a_name),
		cmocka_unit_test(what_is_typed_beyond_the_answer_is_dropped),
		cmocka_unit_test(an_answer_of_exactly_the_cap_fits),
		cmocka_unit_test(an_empty_answer_is_an_answer),
		cmocka_unit_test(
		    a_longer_answer_is_refused_and_its_rest_is_dropped),
		cmocka_unit_test(a_line_that_the_terminal_cuts_is_refused),
		cmocka_unit_test(end_of_file_is_no_answer),
		cmocka_unit_test(without_a_terminal_it_says_so),
		cmocka_unit_test(the_size_is_the_terminals_or_80_by_24),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
