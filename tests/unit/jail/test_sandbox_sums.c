/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/sandbox.h"

/* What each sum leaves to a process, one letter each in the order of tries. */
static int
unix_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int
inet_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int
inet6_socket(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* A kernel without it. */
	return fd == -1 && errno == EAFNOSUPPORT ? 0 : fd;
}

static int
netlink_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
}

static int
vsock_socket(void)
{
	return socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int
hidden_socket(void)
{
	return (int)syscall(SYS_socket, (UINT64_C(1) << 32) | AF_NETLINK,
	    (long)SOCK_RAW, 0L);
}

/* On -1 it fails in any case: what counts is how. */
static int
called(long rc)
{
	return rc == -1 && errno == EPERM ? -1 : 0;
}

static int
do_connect(void)
{
	return called(connect(-1, NULL, 0));
}

static int
do_listen(void)
{
	return called(listen(-1, 1));
}

static int
do_memfd(void)
{
	return memfd_create("x", MFD_CLOEXEC);
}

static int
do_setsid(void)
{
	return setsid() == -1 ? -1 : 0;
}

static int
do_pidfd(void)
{
	return (int)syscall(SYS_pidfd_open, getpid(), 0);
}

static int
do_chmod(void)
{
	return called(fchmod(-1, 0));
}

static int
do_pair(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
}

static int
do_ptrace(void)
{
	return called(ptrace(PTRACE_PEEKDATA, 1, NULL, NULL));
}

static const struct try {
	char letter;
	int (*f)(void);
} tries[] = {
	{ 'u', unix_socket }, { '4', inet_socket }, { '6', inet6_socket },
	{ 'n', netlink_socket }, { 'v', vsock_socket },
	{ 'h', hidden_socket }, { 'c', do_connect }, { 'l', do_listen },
	{ 'm', do_memfd }, { 's', do_setsid }, { 'p', do_pidfd },
	{ 'M', do_chmod }, { 'P', do_pair }, { 't', do_ptrace },
};
#define TRIES (sizeof(tries) / sizeof(*tries))

static void
child(unsigned calls, int out)
{
	struct err e = ERR_INIT;
	char said[TRIES];
	size_t i;

	if (sandbox_enter(NULL, calls, &e) == -1)
		_exit(1);
	for (i = 0; i < TRIES; i++)
		said[i] = tries[i].f() == -1 ? '-' : tries[i].letter;
	_exit(write(out, said, TRIES) == (ssize_t)TRIES &&
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
	    prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER ? 0 : 1);
}

static void
leaves(unsigned calls, const char *want)
{
	char said[TRIES + 1] = "";
	int p[2], status;
	pid_t pid;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		child(calls, p[1]);
	close(p[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(p[0], said, TRIES), TRIES);
	close(p[0]);
	assert_string_equal(said, want);
}

static void
each_sum_leaves_what_it_says_and_no_more(void **state)
{
	leaves(0, "--------------");
	leaves(SANDBOX_PAIRS, "------------P-");
	leaves(SANDBOX_PAIRS | SANDBOX_META, "-----------MP-");
	leaves(SANDBOX_SESSION, "u46---clms-MP-");
	leaves(SANDBOX_UPDATE, "u-----c-mspMP-");
	leaves(SANDBOX_WAIT, "u-----c---p---");
	leaves(SANDBOX_UNIX, "u-----c-------");
}

static void
a_sum_without_filter_is_refused(void **state)
{
	struct err e = ERR_INIT;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(sandbox_enter(NULL, 1u << 30, &e) == -1 &&
		    e.code == ERR_REFUSED ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* What Landlock takes besides, where the kernel has that. */
static bool
may(unsigned calls, bool (*f)(void))
{
	struct err e = ERR_INIT;
	struct sandbox *s;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		s = sandbox_new(calls, &e);
		if (s == NULL || sandbox_enter(s, calls, &e) == -1)
			_exit(2);
		_exit(f() ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 2);
	return status == 0;
}

static bool
signals_out(void)
{
	return kill(getppid(), 0) == 0;
}

/* Nothing listens there, which a connection hears that may be tried. */
static bool
connects(void)
{
	struct sockaddr a = { .sa_family = AF_INET };
	int fd = inet_socket();

	return fd != -1 && (connect(fd, &a, 16) == 0 || errno != EACCES);
}

static void
landlock_leaves_the_network_and_signals_when_told(void **state)
{
	if (sandbox_abi() < 6) {
		if (getenv("CI") != NULL)
			fail_msg("needs Landlock ABI 6 (Linux 6.12)");
		skip();
	}
	assert_true(may(SANDBOX_SESSION, connects));
	assert_false(may(SANDBOX_SESSION, signals_out));
	assert_true(may(SANDBOX_UPDATE, signals_out));
	assert_true(may(SANDBOX_WAIT, signals_out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_sum_leaves_what_it_says_and_no_more),
		cmocka_unit_test(a_sum_without_filter_is_refused),
		cmocka_unit_test(
		    landlock_leaves_the_network_and_signals_when_told),
	};

	return cmocka_run_group_tests_name("sandbox_sums", tests, NULL, NULL);
}
