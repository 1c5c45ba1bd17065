/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "sys/tty.h"

#define PROMPT		"Passphrase: "
#define PATIENCE_MS	20000

/* A child on a terminal of its own; what it shows is read from .fd. */
struct term {
	int fd;			/* the master side */
	pid_t pid;
	char seen[8192];
	size_t len;
};

/* What the child is to do with the answer: its exit status tells. */
struct job {
	size_t cap;
	unsigned timeout_ms;
	const char *want;	/* NULL: a failure is wanted, with code */
	enum err_code code;
	void (*before)(void);
	bool by_name;		/* not by /dev/tty, which there isn't */
};

static void
answer_job(const struct job *j)
{
	struct err e = ERR_INIT;
	unsigned char buf[8192];
	size_t len = 4242;
	int rc, rest = 0;

	if (j->before != NULL)
		j->before();
	memset(buf, 'Z', sizeof(buf));
	rc = tty_ask(PROMPT, buf, j->cap, j->timeout_ms, &len, &e);
	if (j->by_name) {
		if (rc == 0 || e.code != ERR_SYS)
			_exit(5);
		rc = tty_ask_on(&(struct tty_on){ .path = ttyname(0) },
		    PROMPT, buf, j->cap, j->timeout_ms, &len, &e);
	}
	/* Nothing of what was typed is left for a shell to run. */
	if (ioctl(0, FIONREAD, &rest) == -1 || rest != 0)
		_exit(4);
	if (rc == -1) {
		/* Nor stays it behind. */
		if (memchr(buf, 's', j->cap) != NULL || len != 4242)
			_exit(3);
		_exit(j->want == NULL && e.code == j->code ? 0 : 1);
	}
	if (j->want == NULL || len != strlen(j->want) ||
	    memcmp(buf, j->want, len) != 0 || buf[j->cap] != 'Z')
		_exit(2);
	_exit(0);
}

static void
term_start(struct term *t, const struct job *j)
{
	struct winsize w = { .ws_row = 33, .ws_col = 111 };

	memset(t, 0, sizeof(*t));
	fflush(NULL);
	t->pid = forkpty(&t->fd, NULL, NULL, &w);
	assert_true(t->pid >= 0);
	if (t->pid == 0)
		answer_job(j);
}

/* Read until text was seen count times. */
static void
term_wait(struct term *t, const char *text, int count)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };
	const char *at;
	ssize_t n;
	int i;

	for (;;) {
		for (i = 0, at = t->seen; i < count; i++, at++)
			if ((at = strstr(at, text)) == NULL)
				break;
		if (i == count)
			return;
		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		n = read(t->fd, t->seen + t->len,
		    sizeof(t->seen) - 1 - t->len);
		assert_true(n > 0);
		t->len += (size_t)n;
	}
}

static void
term_type(struct term *t, const char *text)
{
	assert_int_equal(write(t->fd, text, strlen(text)),
	    (ssize_t)strlen(text));
}

static bool
term_echoes(struct term *t)
{
	struct termios tio;

	assert_int_equal(tcgetattr(t->fd, &tio), 0);
	return (tio.c_lflag & ECHO) != 0;
}

/*
 * Wait for the child, show what is left, and return its wait status. echo:
 * whether the terminal's echo was on again after it.
 */
static int
term_end(struct term *t, bool *echo)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };
	ssize_t n;
	int status;

	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	*echo = term_echoes(t);
	while (t->len < sizeof(t->seen) - 1 && poll(&p, 1, 0) == 1) {
		n = read(t->fd, t->seen + t->len,
		    sizeof(t->seen) - 1 - t->len);
		if (n <= 0)
			break;
		t->len += (size_t)n;
	}
	close(t->fd);
	return status;
}

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

#define CTRL_C_THEN	"\x03more words\r"	/* that key drops what is before it */

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
		cmocka_unit_test(
		    what_is_done_with_it_is_done_without_echo_and_signals),
		cmocka_unit_test(an_answer_of_exactly_the_cap_fits),
		cmocka_unit_test(an_empty_answer_is_an_answer),
		cmocka_unit_test(
		    a_longer_answer_is_refused_and_its_rest_is_dropped),
		cmocka_unit_test(a_line_that_the_terminal_cuts_is_refused),
		cmocka_unit_test(end_of_file_is_no_answer),
		cmocka_unit_test(the_deadline_ends_it_and_restores_the_echo),
		cmocka_unit_test(
		    ctrl_c_restores_the_echo_and_then_ends_the_process),
		cmocka_unit_test(a_kill_by_sigterm_restores_the_echo),
		cmocka_unit_test(
		    a_caller_that_holds_or_catches_sigint_gets_refused),
		cmocka_unit_test(
		    ctrl_z_restores_the_echo_and_the_question_comes_again),
		cmocka_unit_test(without_a_terminal_it_says_so),
		cmocka_unit_test(the_size_is_the_terminals_or_80_by_24),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
