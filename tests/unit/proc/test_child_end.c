/* SPDX-License-Identifier: ISC */
/* How a child ends, and what that waits for. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "childrun.h"
#include "fds.h"

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

/* Until then a SIGTERM may be lost: valgrind's fork takes its time. */
static void
wait_for_program(pid_t pid, const char *comm)
{
	char path[64], name[64];
	ssize_t n;
	int fd, i;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	for (i = 0; i < 10000; i++) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_int_not_equal(fd, -1);
		n = read(fd, name, sizeof(name) - 1);
		close(fd);
		assert_true(n > 0);
		name[n - 1] = '\0';
		if (strcmp(name, comm) == 0)
			return;
		usleep(1000);
	}
	fail();
}

static void
a_read_error_ends_the_child_and_is_said(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "exec sleep 1000");
	int folder = open("/", O_RDONLY | O_CLOEXEC);

	s.io[2] = CHILD_NULL;
	start(r, &s);
	wait_for_program(child_pid(r->child), "sleep");
	assert_int_not_equal(dup2(folder, stdout_of_child()), -1);
	close(folder);
	finish(r);
	assert_int_equal(r->io_errno, EISDIR);
	assert_int_equal(WTERMSIG(r->status), SIGTERM);
	assert_false(r->timed_out);
}

/* The child is over, its last words are not read yet. */
static void
ends_with(struct run *r, int fd, int want)
{
	struct child_spec s = sh_spec(r, "echo swap; read x");

	assert_int_not_equal(fd, -1);
	r->swap = fd;
	r->ends = 0;
	s.io[2] = CHILD_NULL;
	start(r, &s);
	finish(r);
	close(fd);
	assert_int_equal(r->io_errno, want);
	assert_int_equal(r->status, 0);
}

static void
a_read_error_after_the_end_is_said(void **state)
{
	char name[] = "/tmp/child-test-XXXXXX";
	int fd = mkstemp(name);

	assert_int_equal(write(fd, "more", 4), 4);
	close(fd);
	/* Four bytes are there, and can't be read. */
	ends_with(*state, open(name, O_WRONLY | O_CLOEXEC), EBADF);
	unlink(name);
	/* How many are there can't be told. */
	ends_with(*state, open("/dev/null", O_RDONLY | O_CLOEXEC), ENOTTY);
}

/* 7 bytes at a time, told apart by a '|'. */
static ssize_t
take_seven(void *arg, int fd, size_t max)
{
	struct run *r = arg;
	char data[7];
	ssize_t n = read(fd, data, max < 7 ? max : 7);

	if (n > 0) {
		buf_add(&r->raw, data, (size_t)n);
		buf_addc(&r->raw, '|');
	}
	return n;
}

static void
all_is_left_to_who_takes_raw_bytes_itself(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "printf 'raw\\n1234567890\\n'");

	s.raw_take = take_seven;
	start(r, &s);
	child_raw(r->child);
	finish(r);
	assert_string_equal(r->raw.data, "raw\n123|4567890|\n|");
	assert_int_equal(r->out.len, 0);
	assert_int_equal(r->eofs, 1);
	assert_int_equal(r->ends, 1);
}

static ssize_t
take_nothing(void *arg, int fd, size_t max)
{
	errno = EIO;
	return -1;
}

static void
who_fails_to_take_ends_the_child(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "echo raw; exec sleep 1000");

	s.raw_take = take_nothing;
	start(r, &s);
	child_raw(r->child);
	finish(r);
	assert_int_equal(r->io_errno, EIO);
	assert_int_equal(WTERMSIG(r->status), SIGTERM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_end_does_not_wait_for_a_process_that_keeps_stdout),
		T(a_background_writer_that_never_stops_does_not_hold_the_end),
		T(a_paused_child_loses_nothing_when_it_ends),
		T(the_end_of_a_killed_child_waits_for_no_pause),
		T(a_deadline_ends_a_child_that_ignores_sigterm_and_its_group),
		T(what_ignores_the_deadline_does_not_outlive_its_leader),
		T(freeing_kills_and_the_loop_reaps),
		T(a_child_dies_with_its_parent),
		T(a_read_error_ends_the_child_and_is_said),
		T(a_read_error_after_the_end_is_said),
		T(all_is_left_to_who_takes_raw_bytes_itself),
		T(who_fails_to_take_ends_the_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
