/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "fds.h"
#include "proc/child.h"

struct run {
	struct loop *loop;
	struct child *child;
	/* "1:line|1:line|"; the streams apart, since nothing orders them */
	struct buf out, err;
	struct buf raw;
	int ends, drains, eofs, done;
	int status;
	bool timed_out;
	const char *raw_at;	/* turn raw at this line */
	const char *pause_at;	/* pause at this line, resume by a timer */
	const char *free_at;	/* free the child at this line */
	const char *kill_at;
	struct loop_timer *later;
};

static void
resume(void *arg)
{
	struct run *r = arg;

	loop_timer_free(r->later);
	r->later = NULL;
	child_pause(r->child, false);
}

static bool
is(const char *want, const char *line)
{
	return want != NULL && strcmp(want, line) == 0;
}

static void
on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	struct run *r = arg;

	buf_addf(s == CHILD_STDOUT ? &r->out : &r->err, "%d:%s%s|", (int)s,
	    line, cut ? "..." : "");
	if (is(r->raw_at, line))
		child_raw(r->child);
	if (is(r->kill_at, line))
		child_kill(r->child, SIGTERM);
	if (is(r->pause_at, line)) {
		child_pause(r->child, true);
		r->later = loop_timer_new(r->loop, 20, 0, resume, r, NULL);
		/* What it writes now can't have come along with the line. */
		child_send(r->child, "\n", 1, NULL);
	}
	if (is(r->free_at, line)) {
		child_free(r->child);
		r->child = NULL;
	}
}

static void
on_raw(void *arg, const void *data, size_t len)
{
	struct run *r = arg;

	buf_add(&r->raw, data, len);
}

static void
on_raw_eof(void *arg)
{
	((struct run *)arg)->eofs++;
}

static void
on_drain(void *arg)
{
	((struct run *)arg)->drains++;
}

static void
on_done(void *arg)
{
	((struct run *)arg)->done++;
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct run *r = arg;

	r->ends++;
	r->status = end->status;
	r->timed_out = end->timed_out;
	child_free(r->child);
	r->child = NULL;
}

static char *sh_argv[] = { "sh", "-c", NULL, "sh", NULL };

static struct child_spec
sh_spec(struct run *r, char *script)
{
	sh_argv[2] = script;
	return (struct child_spec){ .argv = sh_argv,
		.io = { CHILD_PIPE, CHILD_PIPE, CHILD_PIPE },
		.on_line = on_line, .on_raw = on_raw,
		.on_raw_eof = on_raw_eof, .on_drain = on_drain,
		.on_end = on_end, .arg = r };
}

static int
setup(void **state)
{
	struct run *r = calloc(1, sizeof(*r));
	struct err e;

	r->loop = loop_new(&e);
	buf_init(&r->out, 1 << 20);
	buf_init(&r->err, 1 << 20);
	buf_init(&r->raw, 1 << 22);
	*state = r;
	return r->loop == NULL;
}

static int
teardown(void **state)
{
	struct run *r = *state;

	child_free(r->child);
	loop_free(r->loop);
	buf_clear(&r->out);
	buf_clear(&r->err);
	buf_clear(&r->raw);
	free(r);
	return 0;
}

static void
start(struct run *r, const struct child_spec *spec)
{
	struct err e = ERR_INIT;

	r->child = child_start(r->loop, spec, &e);
	assert_string_equal(e.msg, "");
	assert_non_null(r->child);
}

static void
finish(struct run *r)
{
	struct err e = ERR_INIT;

	assert_int_equal(loop_run(r->loop, &e), 0);
	assert_int_equal(r->ends, 1);
}

static void
lines_of_both_streams_and_the_status_arrive(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r,
	    "echo one; read x; echo \"got $x\"; printf last; exec >&-;"
	    " echo two >&2; exit 3");
	int before = fds_open();

	start(r, &s);
	assert_int_equal(child_send(r->child, "word\n", 5, NULL), 0);
	finish(r);
	assert_string_equal(r->out.data, "1:one|1:got word|1:last|");
	assert_string_equal(r->err.data, "2:two|");
	assert_int_equal(WEXITSTATUS(r->status), 3);
	assert_int_equal(r->drains, 1);
	assert_int_equal(fds_open(), before);
}

static void
an_over_long_line_is_cut_and_said_to_be(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "echo 123456789; echo 1234");

	s.line_max = 4;
	start(r, &s);
	finish(r);
	assert_string_equal(r->out.data, "1:1234...|1:1234|");
}

static void
a_program_that_is_not_there_fails_the_start(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "");
	char *argv[] = { "no-such-program", NULL };
	struct err e = ERR_INIT;
	int before = fds_open();

	s.argv = argv;
	assert_null(child_start(r->loop, &s, &e));
	assert_int_equal(e.code, ERR_SYS);
	assert_int_equal(e.sys_errno, ENOENT);
	assert_non_null(strstr(e.msg, "no-such-program"));
	argv[0] = "/";
	assert_null(child_start(r->loop, &s, &e));
	assert_int_equal(e.sys_errno, EACCES);
	assert_int_equal(fds_open(), before);
}

static int
refuse(void *arg)
{
	errno = EXDEV;
	return -1;
}

/* valgrind runs vfork as fork, so exec's errno can't come back there. */
static void
need_shared_memory(void)
{
	const char *preload = getenv("LD_PRELOAD");

	if (preload != NULL && strstr(preload, "valgrind") != NULL)
		skip();
}

static void
a_failing_exec_or_hook_fails_the_start_and_leaves_no_process(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "");
	char name[] = "/tmp/child-test-XXXXXX";
	char *argv[] = { name, NULL };
	struct err e = ERR_INIT;
	int fd;

	need_shared_memory();
	fd = mkstemp(name);
	assert_int_equal(write(fd, "junk", 4), 4);
	fchmod(fd, 0700);
	close(fd);
	s.argv = argv;
	assert_null(child_start(r->loop, &s, &e));
	assert_int_equal(e.sys_errno, ENOEXEC);
	unlink(name);
	s.argv = sh_argv;
	s.before_exec = refuse;
	assert_null(child_start(r->loop, &s, &e));
	assert_int_equal(e.sys_errno, EXDEV);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
a_child_that_closes_its_stdin_early_goes_on(void **state)
{
	static char big[500000];
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "exec <&-; echo on; exit 4");

	start(r, &s);
	assert_int_equal(child_send(r->child, big, sizeof(big), NULL), 0);
	assert_int_equal(child_send_secret(r->child, big, 5, on_done, r,
	    NULL), 0);
	finish(r);
	assert_string_equal(r->out.data, "1:on|");
	assert_int_equal(WEXITSTATUS(r->status), 4);
	assert_int_equal(r->done, 1);
}

static void
the_end_does_not_wait_for_a_process_that_keeps_stdout(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "sleep 1000 & echo $!; exit 5");

	start(r, &s);
	finish(r);
	assert_int_equal(WEXITSTATUS(r->status), 5);
	assert_int_equal(kill((pid_t)strtol(r->out.data + 2, NULL, 10),
	    SIGKILL), 0);
}

static void
a_background_writer_that_never_stops_does_not_hold_the_end(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "yes >&2 & echo $!; exit 6");

	start(r, &s);
	finish(r);
	assert_int_equal(WEXITSTATUS(r->status), 6);
	kill((pid_t)strtol(strstr(r->out.data, "1:") + 2, NULL, 10), SIGKILL);
}

static void
what_follows_the_line_is_raw(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r,
	    "printf 'hello\\nraw\\na\\0b\\n'; cat; echo err >&2");

	r->raw_at = "raw";
	start(r, &s);
	assert_int_equal(child_send(r->child, "echoed\n", 7, NULL), 0);
	child_close_stdin(r->child);
	assert_int_equal(child_send(r->child, "no", 2, NULL), -1);
	finish(r);
	assert_string_equal(r->out.data, "1:hello|1:raw|");
	assert_string_equal(r->err.data, "2:err|");
	assert_int_equal(r->raw.len, 11);
	assert_memory_equal(r->raw.data, "a\0b\nechoed\n", 11);
	assert_int_equal(r->eofs, 1);
}

static void
a_paused_child_loses_nothing_when_it_ends(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r,
	    "echo go; read x; head -c 40000 /dev/zero; exit 0");

	r->raw_at = r->pause_at = "go";
	start(r, &s);
	finish(r);
	assert_int_equal(r->raw.len, 40000);
	assert_int_equal(r->eofs, 1);
}

static void
the_end_of_a_killed_child_waits_for_no_pause(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "printf 1234; echo now >&2; sleep 60");

	s.own_group = true;
	r->kill_at = "now";
	start(r, &s);
	child_pause(r->child, true);
	finish(r);
	assert_string_equal(r->out.data, "1:1234|");
	assert_true(WIFSIGNALED(r->status));
}

static void
a_secret_is_written_in_its_place_and_done_is_called_once(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "cat");
	struct err e = ERR_INIT;
	static char key[] = "KEY";

	start(r, &s);
	child_send(r->child, "a\n", 2, &e);
	child_send_secret(r->child, key, 3, on_done, r, &e);
	child_send(r->child, "\nb\n", 3, &e);
	assert_int_equal(child_queued(r->child), 8);
	assert_int_equal(r->done, 0);
	child_close_stdin(r->child);
	finish(r);
	assert_string_equal(r->out.data, "1:a|1:KEY|1:b|");
	assert_int_equal(r->done, 1);
}

static void
freeing_gives_a_secret_back(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "cat");

	start(r, &s);
	child_send_secret(r->child, "key", 3, on_done, r, NULL);
	child_free(r->child);
	r->child = NULL;
	assert_int_equal(r->done, 1);
}

static void
close_stdin(void *arg)
{
	struct run *r = arg;

	r->done++;
	child_close_stdin(r->child);
}

static void
stdin_can_be_closed_when_a_secret_is_given_back(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "cat");

	start(r, &s);
	assert_int_equal(child_send_secret(r->child, "key\n", 4, close_stdin,
	    r, NULL), 0);
	finish(r);
	assert_string_equal(r->out.data, "1:key|");
	assert_int_equal(r->done, 1);
}

static void
free_child(void *arg)
{
	struct run *r = arg;

	r->done++;
	child_free(r->child);
	r->child = NULL;
}

static void
closing_stdin_gives_back_an_empty_secret(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "cat");

	start(r, &s);
	assert_int_equal(child_send_secret(r->child, "", 0, free_child, r,
	    NULL), 0);
	child_close_stdin(r->child);
	assert_null(r->child);
	assert_int_equal(r->done, 1);
}

static void
an_empty_secret_is_given_back_when_nothing_follows(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "cat");

	start(r, &s);
	assert_int_equal(child_send_secret(r->child, "", 0, close_stdin, r,
	    NULL), 0);
	assert_int_equal(child_send(r->child, "", 0, NULL), 0);
	finish(r);
	assert_int_equal(r->done, 1);
}

static void
more_than_the_cap_is_refused(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "cat");
	struct err e = ERR_INIT;

	s.out_max = 10;
	start(r, &s);
	assert_int_equal(child_send(r->child, "12345678", 8, &e), 0);
	assert_int_equal(child_send(r->child, "12345678", 8, &e), -1);
	assert_int_equal(e.code, ERR_MEM);
}

/* It was killed; somebody else may still have to reap it. */
static void
assert_gone(pid_t pid)
{
	char path[64], stat[256];
	int fd, i;

	for (i = 0; i < 5000; i++) {
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd == -1)
			return;
		memset(stat, 0, sizeof(stat));
		assert_true(read(fd, stat, sizeof(stat) - 1) >= 0);
		close(fd);
		if (strstr(stat, ") Z ") != NULL)
			return;
		usleep(1000);
	}
	kill(pid, SIGKILL);
	fail();
}

static void
a_deadline_ends_a_child_that_ignores_sigterm_and_its_group(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r,
	    "trap '' TERM; sleep 1000 & echo $!; wait; wait; sleep 1000");

	s.own_group = true;
	s.timeout_ms = 300;
	start(r, &s);
	finish(r);
	assert_true(r->timed_out);
	assert_true(WIFSIGNALED(r->status));
	assert_int_equal(WTERMSIG(r->status), SIGKILL);
	assert_gone((pid_t)strtol(r->out.data + 2, NULL, 10));
}

static void
what_ignores_the_deadline_does_not_outlive_its_leader(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r,
	    "(trap '' TERM; exec sleep 1000) & echo $!; wait");

	s.own_group = true;
	s.timeout_ms = 300;
	start(r, &s);
	finish(r);
	assert_int_equal(WTERMSIG(r->status), SIGTERM);
	assert_gone((pid_t)strtol(r->out.data + 2, NULL, 10));
}

static void
freeing_kills_and_the_loop_reaps(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "echo go; sleep 1000");
	struct err e = ERR_INIT;
	int before = fds_open();
	pid_t pid;

	r->free_at = "go";
	s.own_group = true;
	start(r, &s);
	pid = child_pid(r->child);
	assert_int_equal(loop_run(r->loop, &e), 0);
	assert_int_equal(r->ends, 0);
	assert_int_equal(fds_open(), before);
	loop_free(r->loop);
	assert_int_equal(kill(pid, 0), -1);
	r->loop = loop_new(&e);
}

/* Signals 32 and 33 are the C library's own: sigaction(2) there refuses to
 * touch them, and who starts us may have them ignored. */
static void
leave_out_libcs_signals(char *status)
{
	static const char name[] = "SigIgn:\t";
	char *at = strstr(status, name), hex[17];
	unsigned long long set;

	assert_non_null(at);
	at += sizeof(name) - 1;
	set = strtoull(at, NULL, 16) & ~(3ULL << 31);
	snprintf(hex, sizeof(hex), "%016llx", set);
	memcpy(at, hex, 16);
}

static void
a_child_has_no_ignored_signals_an_empty_mask_and_three_files(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "");
	/* No shell: dash would clear the mask itself. */
	char *argv[] = { "grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status",
		NULL };
	char *ls[] = { "ls", "/proc/self/fd", NULL };
	int leaky = open("/dev/null", O_RDONLY);

	assert_true(leaky > 2);
	s.argv = argv;
	start(r, &s);
	finish(r);
	r->ends = 0;
	s.argv = ls;
	start(r, &s);
	finish(r);
	close(leaky);
	leave_out_libcs_signals(r->out.data);
	assert_string_equal(r->out.data,
	    "1:SigBlk:\t0000000000000000|1:SigIgn:\t0000000000000000|"
	    "1:0|1:1|1:2|1:3|");
}

static void
files_can_be_given_and_swapped(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "echo out; echo err >&2");
	int p[2];
	char got[16] = "";

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	s.io[0] = CHILD_NULL;
	s.io[2] = CHILD_FD;
	s.fd[2] = p[1];
	start(r, &s);
	finish(r);
	assert_string_equal(r->out.data, "1:out|");
	assert_int_equal(read(p[0], got, sizeof(got)), 4);
	assert_string_equal(got, "err\n");
	close(p[0]);
	close(p[1]);
}

static void
a_child_starts_well_with_hundreds_of_files_open(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "read x; echo $x; ls /proc/self/fd");
	struct rlimit rl;
	int fd[400], i;

	need_shared_memory();
	getrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_cur < 600) {
		rl.rlim_cur = 600;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	}
	for (i = 0; i < 400; i++)
		fd[i] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 64);
	start(r, &s);
	child_send(r->child, "hi\n", 3, NULL);
	finish(r);
	assert_string_equal(r->out.data, "1:hi|1:0|1:1|1:2|1:3|");
	/* The same table as before is ours. */
	for (i = 0; i < 400; i++)
		assert_int_equal(close(fd[i]), 0);
}

static void
a_child_dies_with_its_parent(void **state)
{
	struct run *r = *state;
	int p[2], status;
	pid_t mid, grandchild = 0;
	char c;

	(void)r;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	mid = fork();
	if (mid == 0) {
		struct err e;
		struct loop *l = loop_new(&e);
		char *argv[] = { "sleep", "1000", NULL };
		struct child_spec s = { .argv = argv,
			.io = { CHILD_NULL, CHILD_FD, CHILD_INHERIT },
			.fd = { -1, p[1], -1 }, .on_end = on_end };
		struct child *kid = child_start(l, &s, &e);

		grandchild = kid != NULL ? child_pid(kid) : 0;
		if (write(p[1], &grandchild, sizeof(grandchild)) < 0)
			_exit(1);
		raise(SIGKILL);
	}
	close(p[1]);
	assert_int_equal(read(p[0], &grandchild, sizeof(grandchild)),
	    sizeof(grandchild));
	assert_true(grandchild > 0);
	/* End of file: the last holder of the pipe, the grandchild, is gone. */
	assert_int_equal(read(p[0], &c, 1), 0);
	close(p[0]);
	waitpid(mid, &status, 0);
}

static void
a_status_is_put_in_words(void **state)
{
	char out[64];

	child_why(3 << 8, out, sizeof(out));
	assert_string_equal(out, "exit status 3");
	child_why(SIGKILL, out, sizeof(out));
	assert_string_equal(out, "killed by signal 9 (Killed)");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(lines_of_both_streams_and_the_status_arrive),
		T(an_over_long_line_is_cut_and_said_to_be),
		T(a_program_that_is_not_there_fails_the_start),
		T(a_failing_exec_or_hook_fails_the_start_and_leaves_no_process),
		T(a_child_that_closes_its_stdin_early_goes_on),
		T(the_end_does_not_wait_for_a_process_that_keeps_stdout),
		T(a_background_writer_that_never_stops_does_not_hold_the_end),
		T(what_follows_the_line_is_raw),
		T(a_paused_child_loses_nothing_when_it_ends),
		T(the_end_of_a_killed_child_waits_for_no_pause),
		T(a_secret_is_written_in_its_place_and_done_is_called_once),
		T(freeing_gives_a_secret_back),
		T(stdin_can_be_closed_when_a_secret_is_given_back),
		T(closing_stdin_gives_back_an_empty_secret),
		T(an_empty_secret_is_given_back_when_nothing_follows),
		T(more_than_the_cap_is_refused),
		T(a_deadline_ends_a_child_that_ignores_sigterm_and_its_group),
		T(what_ignores_the_deadline_does_not_outlive_its_leader),
		T(freeing_kills_and_the_loop_reaps),
		T(a_child_has_no_ignored_signals_an_empty_mask_and_three_files),
		T(files_can_be_given_and_swapped),
		T(a_child_starts_well_with_hundreds_of_files_open),
		T(a_child_dies_with_its_parent),
		T(a_status_is_put_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
