/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ui/log.h"

/* stderr is a datagram socket here: each write(2) arrives as one message. */
static int peer = -1, old_stderr = -1;
static char got[8192];

static int
catch(void **state)
{
	int sv[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv) == -1)
		return -1;
	old_stderr = dup(STDERR_FILENO);
	dup2(sv[1], STDERR_FILENO);
	close(sv[1]);
	peer = sv[0];
	return 0;
}

static int
release(void **state)
{
	(void)state;
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	close(peer);
	log_hook(NULL, NULL, NULL);
	return 0;
}

/* The next write to stderr, or "" when there was none. */
static const char *
next(void)
{
	ssize_t n = recv(peer, got, sizeof(got) - 1, MSG_DONTWAIT);

	got[n > 0 ? n : 0] = '\0';
	return got;
}

static void
log_writes_each_line_whole_in_one_write(void **state)
{
	(void)state;
	log_open("postern-x", LOG_LVL_INFO);
	log_error("host %s: %d", "h1", 7);
	log_warn("two");
	assert_string_equal(next(), "postern-x: host h1: 7\n");
	assert_string_equal(next(), "postern-x: two\n");
	assert_string_equal(next(), "");
}

static void
log_shows_no_more_than_its_level(void **state)
{
	(void)state;
	log_open("p", LOG_LVL_ERROR);
	log_warn("w");
	log_info("i");
	log_debug("d");
	log_error("e");
	assert_string_equal(next(), "p: e\n");
	assert_string_equal(next(), "");
	log_open("p", LOG_LVL_DEBUG);
	log_debug("d");
	assert_string_equal(next(), "p: d\n");
}

static void
log_escapes_what_a_peer_sent(void **state)
{
	(void)state;
	log_open("p", LOG_LVL_INFO);
	log_error("%s", "a\nb\033[2J\x9b \xc3\xa9 \\");
	assert_string_equal(next(), "p: a\\x0ab\\x1b[2J\\x9b \xc3\xa9 \\\\\n");
}

static void
log_cuts_a_line_between_characters_and_keeps_it_atomic(void **state)
{
	char text[9000];
	const char *line;
	size_t i, shift;

	(void)state;
	log_open("p", LOG_LVL_INFO);
	for (shift = 0; shift < 2; shift++) {
		for (i = 0; i + 2 < sizeof(text); i += 2)
			memcpy(text + i, "\xc3\xa9", 2);
		text[sizeof(text) - 2] = '\0';
		log_error("%s%s", shift ? "x" : "", text);
		line = next();
		assert_in_range(strlen(line), PIPE_BUF - 4, PIPE_BUF);
		assert_string_equal(line + strlen(line) - 6, "\xc3\xa9...\n");
		assert_string_equal(next(), "");
	}
	memset(text, '\033', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
	assert_in_range(strlen(next()), PIPE_BUF - 4, PIPE_BUF);
	assert_null(strchr(got, '\033'));
}

static void
log_holds_lines_until_it_is_told_otherwise(void **state)
{
	(void)state;
	log_open("p", LOG_LVL_INFO);
	log_hold(false);
	log_hold(true);
	log_info("one");
	log_hold(true);
	log_info("two");
	assert_string_equal(next(), "");
	log_hold(false);
	assert_string_equal(next(), "p: one\n");
	assert_string_equal(next(), "p: two\n");
	log_info("three");
	assert_string_equal(next(), "p: three\n");
}

static void
log_err_returns_the_exit_status(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	log_open("p", LOG_LVL_ERROR);
	err_set(&e, ERR_BUSY, "held by pid 4");
	assert_int_equal(log_err(&e), 75);
	assert_string_equal(next(), "p: held by pid 4\n");
}

static void
before(void *arg)
{
	(*(int *)arg)++;
	assert_string_equal(next(), "");
}

static void
after(void *arg)
{
	*(int *)arg += 10;
	assert_string_equal(next(), "p: line\n");
}

static void
log_hook_surrounds_each_line_and_errno_stays(void **state)
{
	int calls = 0;

	(void)state;
	log_open("p", LOG_LVL_INFO);
	log_hook(before, after, &calls);
	errno = ENOTTY;
	log_info("line");
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(calls, 11);
	log_debug("not shown, so no hook");
	assert_int_equal(calls, 11);
}

static void
log_colours_only_a_terminal_and_not_with_no_color(void **state)
{
	int master, slave, saved = dup(STDERR_FILENO);
	char text[128];
	ssize_t n;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	dup2(slave, STDERR_FILENO);
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	log_open("p", LOG_LVL_INFO);
	log_error("red");
	n = read(master, text, sizeof(text));
	assert_memory_equal(text, "\033[31mp: red\033[0m\r\n", (size_t)n);
	setenv("NO_COLOR", "1", 1);
	log_open("p", LOG_LVL_INFO);
	log_error("plain");
	n = read(master, text, sizeof(text));
	assert_memory_equal(text, "p: plain\r\n", (size_t)n);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(slave);
	close(master);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, catch, release)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(log_writes_each_line_whole_in_one_write),
		TEST(log_shows_no_more_than_its_level),
		TEST(log_escapes_what_a_peer_sent),
		TEST(log_cuts_a_line_between_characters_and_keeps_it_atomic),
		TEST(log_holds_lines_until_it_is_told_otherwise),
		TEST(log_err_returns_the_exit_status),
		TEST(log_hook_surrounds_each_line_and_errno_stays),
		TEST(log_colours_only_a_terminal_and_not_with_no_color),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
