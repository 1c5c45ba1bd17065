/* SPDX-License-Identifier: ISC */
/* The commands of backup.conf, run with real shells: what becomes of what they
 * say, and of those that do not end. */
#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hook.h"
#include "hook_out.h"

#define LIMIT_MS	500	/* at first: it doubles until that was enough */
#define WAIT_MS		20000	/* for what comes at once */

static char top[64], fifo[96];
static int from;		/* its reading end */

static int
enter(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "/tmp/postern-test-XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(fifo, sizeof(fifo), "%s/fifo", top);
	if (mkfifo(fifo, 0600) == -1)
		return -1;
	from = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return from == -1 ? -1 : 0;
}

static int
leave(void **state)
{
	(void)state;
	close(from);
	return unlink(fifo) == -1 || rmdir(top) == -1 ? -1 : 0;
}

/* A command that says so in the FIFO, and ends by nothing but SIGKILL, nor does
 * a process that it has started: both have the FIFO open. */
static const char *
stubborn(void)
{
	static char text[256];

	snprintf(text, sizeof(text), "trap '' TERM; exec 9>%s; sleep 45 & "
	    "printf x >&9; wait; sleep 45", fifo);
	return text;
}

/* A byte of the FIFO (1), or nobody has it open any more (0). */
static int
next(void)
{
	struct pollfd p = { .fd = from, .events = POLLIN };
	char c;
	ssize_t n;

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	n = read(from, &c, 1);
	assert_int_not_equal(n, -1);
	return (int)n;
}

/* Whether the command came so far as to say that it runs. */
static bool
has_begun(void)
{
	char c;

	return read(from, &c, 1) == 1;
}

struct end {
	struct loop *loop;
	unsigned n;
	struct err err;
};

static void
on_end(void *arg, const struct err *e)
{
	struct end *x = arg;

	x->n++;
	if (e != NULL)
		x->err = *e;
	loop_stop(x->loop);
}

/* hook_start(), to its end. */
static struct end
run(const struct hook_spec *spec)
{
	struct end x = { .err = ERR_INIT };
	struct err e = ERR_INIT;
	struct hook *h;

	x.loop = loop_new(&e);
	assert_non_null(x.loop);
	h = hook_start(x.loop, spec, on_end, &x, &e);
	assert_non_null(h);
	assert_int_equal(loop_run(x.loop, &e), 0);
	hook_free(h);
	loop_free(x.loop);
	assert_int_equal(x.n, 1);
	return x;
}

static void
a_command_that_hangs_is_ended_with_its_group(void **state)
{
	struct hook_spec s = { .command = stubborn(), .name = "after",
		.job = "laptop", .limit_ms = LIMIT_MS, .limit_key = "a-key" };
	struct end x;

	(void)state;
	for (;; s.limit_ms *= 2) {
		x = run(&s);
		assert_err(&x.err, ERR_TIMEOUT, "after of laptop: trap");
		assert_err(&x.err, ERR_TIMEOUT, "s (a-key): it was ended");
		if (has_begun())
			break;	/* a slow machine has not come so far */
	}
	assert_int_equal(next(), 0);
}

static void
without_a_limit_a_command_has_its_time(void **state)
{
	struct hook_spec s = { .command = "sleep 1; exit 3", .name = "before",
		.job = "laptop", .limit_key = "a-key" };
	struct end x = run(&s);

	(void)state;
	assert_err(&x.err, ERR_PEER, "before of laptop: sleep 1; exit 3: exit "
	    "status 3");
	s.command = "true";
	s.limit_ms = 600000;
	x = run(&s);
	assert_int_equal(x.err.code, ERR_NONE);
}

/* Our stderr is fd while a command runs; what was there comes back. */
static struct end
run_with_stderr(int fd, const struct hook_spec *s)
{
	int old = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	struct end x;

	assert_int_not_equal(old, -1);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	x = run(s);
	assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
	close(old);
	return x;
}

static void
a_stderr_that_nobody_reads_is_not_theirs(void **state)
{
	/* More than a pipe holds, on either stream. */
	struct hook_spec s = { .command = "head -c 300000 /dev/zero; "
		"head -c 300000 /dev/zero >&2 && echo end >&2 && exit 7",
		.name = "after", .job = "laptop" };
	struct end x;
	int p[2], i;

	(void)state;
	/* Full; then hung up. */
	for (i = 0; i < 2; i++) {
		assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
		while (write(p[1], p, sizeof(p)) > 0)
			continue;
		if (i == 1)
			close(p[0]);
		x = run_with_stderr(p[1], &s);
		assert_err(&x.err, ERR_PEER, "exit status 7");
		close(p[1]);
		if (i == 0)
			close(p[0]);
	}
}

static void
the_last_lines_are_told_with_their_command(void **state)
{
	struct hook_spec s = { .command = "for i in $(seq 1 50); do "
		"echo \"line $i\"; done; printf 'a\\033b'", .name = "after",
		.job = "laptop" };
	char text[8192];
	struct end x;
	FILE *f = tmpfile();
	ssize_t n;

	(void)state;
	assert_non_null(f);
	x = run_with_stderr(fileno(f), &s);
	assert_int_equal(x.err.code, ERR_NONE);
	n = pread(fileno(f), text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	fclose(f);
	assert_non_null(strstr(text, ": after of laptop: 31 lines before "
	    "these are left out\n"));
	assert_non_null(strstr(text, ": after of laptop: line 32\n"));
	assert_non_null(strstr(text, ": after of laptop: line 50\n"));
	assert_non_null(strstr(text, ": after of laptop: a\\x1bb\n"));
	assert_null(strstr(text, "line 31\n"));
}

static void
what_is_kept_of_its_lines_is_bounded(void **state)
{
	struct hook_out o = { .n = 0 };
	char line[2 * HOOK_OUT_LINE];
	int i;

	(void)state;
	memset(line, 'x', sizeof(line));
	hook_out_add(&o, line, sizeof(line));
	assert_int_equal(strlen(hook_out_get(&o, 0)), HOOK_OUT_LINE - 1);
	assert_int_equal(hook_out_left(&o), 0);
	for (i = 0; i < HOOK_OUT_LINES + 2; i++) {
		line[0] = (char)('a' + i);
		hook_out_add(&o, line, 1);
	}
	assert_int_equal(hook_out_left(&o), 3);
	assert_string_equal(hook_out_get(&o, hook_out_left(&o)), "c");
	line[0] = (char)('a' + HOOK_OUT_LINES + 1);
	line[1] = '\0';
	assert_string_equal(hook_out_get(&o, o.n - 1), line);
}

/* --- the owner's machine --- */

/* hook_run() in a process that has no terminal. Its pid; its exit status is
 * the error's code, or 99. */
static pid_t
alone(const struct hook_spec *s)
{
	struct err e = ERR_INIT;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid != 0)
		return pid;
	if (setsid() == -1)
		_exit(98);
	_exit(hook_run(s, &e) == -1 ? (int)e.code : 99);
}

static int
end_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		assert_int_equal(errno, EINTR);
	return status;
}

static void
an_owners_command_that_hangs_is_ended_with_its_group(void **state)
{
	struct hook_spec s = { .command = stubborn(), .name = "after",
		.job = "home", .limit_ms = LIMIT_MS, .limit_key = "a-key" };
	int status;

	(void)state;
	for (;; s.limit_ms *= 2) {
		status = end_of(alone(&s));
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), ERR_TIMEOUT);
		if (has_begun())
			break;
	}
	assert_int_equal(next(), 0);
}

static void
who_ends_us_ends_the_owners_command_first(void **state)
{
	struct hook_spec s = { .name = "after", .job = "home" };
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	int status;
	size_t i;
	pid_t pid;

	(void)state;
	for (i = 0; i < 3; i++) {
		s.command = stubborn();
		pid = alone(&s);
		assert_int_equal(next(), 1);
		assert_int_equal(kill(pid, signals[i]), 0);
		status = end_of(pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), signals[i]);
		assert_int_equal(next(), 0);
		/* One that nobody has written to. */
		assert_int_equal(leave(state), 0);
		assert_int_equal(enter(state), 0);
	}
}

static void
at_a_terminal_a_command_may_ask(void **state)
{
	/* Stopped by SIGTTIN it would come to its limit. */
	const struct hook_spec s = { .command = "read x </dev/tty && "
		"test \"$x\" = word", .name = "before", .job = "home",
		.limit_ms = WAIT_MS, .limit_key = "a-key" };
	struct err e = ERR_INIT;
	int fd, status;
	pid_t pid;

	(void)state;
	fflush(NULL);
	pid = forkpty(&fd, NULL, NULL, NULL);
	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(hook_run(&s, &e) == -1 ? (int)e.code : 99);
	assert_int_equal(write(fd, "word\n", 5), 5);
	status = end_of(pid);
	close(fd);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 99);
}

static void
no_command_is_no_failure(void **state)
{
	struct hook_spec s = { .name = "after", .job = "home" };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(hook_run(&s, &e), 0);
	s.command = "";
	assert_int_equal(hook_run(&s, &e), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest all[] = {
		T(a_command_that_hangs_is_ended_with_its_group),
		T(an_owners_command_that_hangs_is_ended_with_its_group),
		T(who_ends_us_ends_the_owners_command_first),
		cmocka_unit_test(without_a_limit_a_command_has_its_time),
		cmocka_unit_test(a_stderr_that_nobody_reads_is_not_theirs),
		cmocka_unit_test(the_last_lines_are_told_with_their_command),
		cmocka_unit_test(what_is_kept_of_its_lines_is_bounded),
		cmocka_unit_test(at_a_terminal_a_command_may_ask),
		cmocka_unit_test(no_command_is_no_failure),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
