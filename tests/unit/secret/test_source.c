/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "secret/source.h"

#define NOBODY	65534

static const struct source_opts opts = { .option = "--key", .also = "random, ",
    .prompt = "key: ", .max = 16, .timeout_ms = 10000 };

static struct secret *
get(const char *spec, struct err *e)
{
	*e = (struct err)ERR_INIT;
	return source_read(spec, &opts, e);
}

static void
assert_secret(struct secret *s, const char *want)
{
	assert_non_null(s);
	assert_int_equal(secret_len(s), strlen(want));
	assert_memory_equal(secret_data(s), want, strlen(want));
	secret_free(s);
}

static void
a_file_a_descriptor_and_a_command_are_read(void **state)
{
	char path[] = "/tmp/postern-test-XXXXXX", spec[64];
	int fd = mkstemp(path), p[2];
	struct err e;

	assert_int_equal(write(fd, "one\ntwo", 7), 7);
	close(fd);
	snprintf(spec, sizeof(spec), "file:%s", path);
	assert_secret(get(spec, &e), "one\ntwo");
	unlink(path);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "three", 5), 5);
	close(p[1]);
	snprintf(spec, sizeof(spec), "fd:%d", p[0]);
	assert_secret(get(spec, &e), "three");
	close(p[0]);
	assert_secret(get("cmd:printf four", &e), "four");
}

static void
each_failure_names_its_option(void **state)
{
	struct err e;

	assert_null(get("file:/nowhere", &e));
	assert_err(&e, ERR_SYS, "--key file:/nowhere");
	assert_null(get("fd:x", &e));
	assert_err(&e, ERR_USAGE, "--key fd:");
	assert_null(get("cmd:printf 12345678901234567", &e));
	assert_err(&e, ERR_CONFIG, "--key cmd: more than 16 bytes");
	assert_null(get("cmd:exit 9", &e));
	assert_err(&e, ERR_CONFIG, "--key cmd: 'exit 9' failed (status 9)");
	assert_null(get("other", &e));
	assert_err(&e, ERR_USAGE, "--key 'other' is none of random, "
	    "file:PATH, fd:N");
}

static void
a_line_is_what_stands_before_the_first_newline(void **state)
{
	struct err e;
	struct secret *s = get("cmd:printf 'a\\nb\\n'", &e);

	source_line(s);
	assert_secret(s, "a");
	s = get("cmd:printf ab", &e);
	source_line(s);
	assert_secret(s, "ab");
}

static void
a_fifo_that_nobody_writes_to_ends_in_time(void **state)
{
	char path[] = "/tmp/postern-test-XXXXXX", spec[64];
	struct source_opts o = opts;
	int fd = mkstemp(path);
	struct err e = ERR_INIT;

	close(fd);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(spec, sizeof(spec), "file:%s", path);
	o.timeout_ms = 100;
	/* Otherwise for ever. */
	alarm(20);
	assert_null(source_read(spec, &o, &e));
	alarm(0);
	assert_int_equal(e.code, ERR_TIMEOUT);
	unlink(path);
}

static void
a_command_is_waited_for_by_who_was_begun_to_wait_for_none(void **state)
{
	struct sigaction now;
	struct err e;

	signal(SIGCHLD, SIG_IGN);
	assert_secret(get("cmd:printf four", &e), "four");
	assert_int_equal(sigaction(SIGCHLD, NULL, &now), 0);
	assert_true(now.sa_handler == SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
}

static void
nothing_is_left_of_a_command_that_took_too_long(void **state)
{
	struct source_opts o = opts;
	struct err e = ERR_INIT;
	int status, own;
	pid_t pid;

	/* What would be left, and the child that we have, are found by that. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	own = fork();
	if (own == 0) {
		pause();
		_exit(0);
	}
	o.timeout_ms = 300;
	assert_null(source_read("cmd:sleep 100 | (sleep 101; cat) | cat", &o,
	    &e));
	assert_int_equal(e.code, ERR_TIMEOUT);
	assert_int_equal(waitpid(-1, &status, WNOHANG), 0);
	kill(own, SIGKILL);
	while ((pid = waitpid(-1, &status, WNOHANG)) == 0)
		poll(NULL, 0, 5);
	assert_int_equal(pid, own);
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
}

static void
nor_of_one_that_was_read_from_when_we_were_ended(void **state)
{
	struct source_opts o = opts;
	struct err e = ERR_INIT;
	int status, p[2];
	char begun[32];
	char byte;
	pid_t pid;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe(p), 0);
	snprintf(begun, sizeof(begun), "cmd:(echo >&%d;sleep 99)|cat", p[1]);
	o.timeout_ms = 0;
	pid = fork();
	if (pid == 0) {
		source_read(begun, &o, &e);
		_exit(7);
	}
	close(p[1]);
	assert_int_equal(read(p[0], &byte, 1), 1);
	close(p[0]);
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
}

/* What may not be killed: a program that whoever runs it is root in. */
static void
make_sudo(char *dir)
{
	char command[256];
	int status;
	pid_t pid;

	if (geteuid() != 0) {
		if (getenv("CI") != NULL)
			fail_msg("needs root");
		skip();
	}
	assert_non_null(mkdtemp(dir));
	snprintf(command, sizeof(command), "cd %s && chgrp %d . && "
	    "chmod 710 . && cp /usr/bin/setpriv sudo && chmod 4755 sudo", dir,
	    NOBODY);
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A child that is a plain user reads from such a one: until a signal ends it,
 * or its time is over. Returns how it ended. */
static int
reads_as_nobody(bool piped, bool by_signal)
{
	char dir[] = "/tmp/postern-test-XXXXXX", spec[256], line[16];
	struct source_opts o = opts;
	struct err e = ERR_INIT;
	int status, p[2];
	pid_t pid, sudo;
	ssize_t n;

	make_sudo(dir);
	assert_int_equal(pipe(p), 0);
	snprintf(spec, sizeof(spec), "cmd:%s %s/sudo --reuid=0 "
	    "sh -c 'echo $$ >&%d; exec sleep 99' %s", piped ? "" : "exec", dir,
	    p[1], piped ? "| cat" : "");
	o.timeout_ms = by_signal ? 0 : 500;
	pid = fork();
	if (pid == 0) {
		if (setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
		    setresuid(NOBODY, NOBODY, NOBODY) == -1)
			_exit(8);
		/* Otherwise for ever. */
		alarm(20);
		_exit(source_read(spec, &o, &e) == NULL ? (int)e.code : 9);
	}
	close(p[1]);
	n = read(p[0], line, sizeof(line) - 1);
	close(p[0]);
	snprintf(spec, sizeof(spec), "%s/sudo", dir);
	unlink(spec);
	rmdir(dir);
	assert_true(n > 1);
	line[n] = '\0';
	sudo = (pid_t)strtol(line, NULL, 10);
	if (by_signal)
		kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* It is ours now, and was not ended. */
	assert_int_equal(waitpid(sudo, NULL, WNOHANG), 0);
	kill(sudo, SIGKILL);
	assert_int_equal(waitpid(sudo, NULL, 0), sudo);
	return status;
}

static void
what_runs_as_another_user_is_not_waited_for(void **state)
{
	int status, piped;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (piped = 0; piped < 2; piped++) {
		status = reads_as_nobody(piped == 1, false);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), ERR_TIMEOUT);
		status = reads_as_nobody(piped == 1, true);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGTERM);
	}
}

static bool
echoes(int fd)
{
	struct termios t;

	return tcgetattr(fd, &t) == 0 && (t.c_lflag & ECHO) != 0;
}

/* On a terminal of its own, below one that goes on to use it. Returns what is
 * wrong, if anything. */
static int
is_ended_while_it_asks(bool by_signal)
{
	struct source_opts o = opts;
	struct err e = ERR_INIT;
	int status, p[2];
	char spec[64];
	char byte;
	pid_t pid;

	if (pipe(p) == -1 || !echoes(0))
		return 1;
	snprintf(spec, sizeof(spec), "cmd:stty -echo;echo >&%d;sleep 99",
	    p[1]);
	o.timeout_ms = by_signal ? 0 : 500;
	pid = fork();
	if (pid == 0) {
		source_read(spec, &o, &e);
		_exit(7);
	}
	if (read(p[0], &byte, 1) != 1)
		return 2;
	if (by_signal)
		kill(pid, SIGTERM);
	if (waitpid(pid, &status, 0) != pid)
		return 3;
	if (by_signal != WIFSIGNALED(status))
		return 4;
	return echoes(0) ? 0 : 5;
}

static void
the_echo_is_on_again_after_what_was_ended_while_it_asked(void **state)
{
	int fd, status, i;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		pid = forkpty(&fd, NULL, NULL, NULL);
		if (pid == 0)
			_exit(is_ended_while_it_asks(i == 1));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		close(fd);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_a_descriptor_and_a_command_are_read),
		cmocka_unit_test(each_failure_names_its_option),
		cmocka_unit_test(
		    a_line_is_what_stands_before_the_first_newline),
		cmocka_unit_test(a_fifo_that_nobody_writes_to_ends_in_time),
		cmocka_unit_test(
		    a_command_is_waited_for_by_who_was_begun_to_wait_for_none),
		cmocka_unit_test(
		    nothing_is_left_of_a_command_that_took_too_long),
		cmocka_unit_test(
		    nor_of_one_that_was_read_from_when_we_were_ended),
		cmocka_unit_test(what_runs_as_another_user_is_not_waited_for),
		cmocka_unit_test(
		    the_echo_is_on_again_after_what_was_ended_while_it_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
