/* SPDX-License-Identifier: ISC */
/* How a child starts: its program, signals, files. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "childrun.h"
#include "fds.h"

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
a_status_is_put_in_words(void **state)
{
	char out[64];

	child_why(3 << 8, out, sizeof(out));
	assert_string_equal(out, "exit status 3");
	child_why(SIGKILL, out, sizeof(out));
	assert_string_equal(out, "killed by signal 9 (Killed)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(lines_of_both_streams_and_the_status_arrive),
		T(a_program_that_is_not_there_fails_the_start),
		T(a_failing_exec_or_hook_fails_the_start_and_leaves_no_process),
		T(a_child_has_no_ignored_signals_an_empty_mask_and_three_files),
		T(files_can_be_given_and_swapped),
		T(a_child_starts_well_with_hundreds_of_files_open),
		T(a_status_is_put_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
