/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/lock.h"

static char dir[] = "/tmp/postern-test-XXXXXX";

static int
enter_folder(void **state)
{
	return mkdtemp(dir) == NULL || chdir(dir) == -1 ? -1 : 0;
}

static int
leave_folder(void **state)
{
	unlink("lock");
	unlink("link");
	unlink("target");
	unlink("fifo");
	return chdir("/") == -1 || rmdir(dir) == -1 ? -1 : 0;
}

/* A child that holds "lock" until *ret_go is closed or it is killed. */
static pid_t
holder(int *ret_go)
{
	struct err e = ERR_INIT;
	int ready[2], go[2], fd;
	pid_t pid;
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(go[1]);
		if (lock_take("lock", 0, &fd, &e) == -1 ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		_exit(read(go[0], &c, 1) == 0 ? 0 : 1);
	}
	close(ready[1]);
	close(go[0]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	*ret_go = go[1];
	return pid;
}

static void
a_free_lock_is_taken_and_records_the_pid(void **state)
{
	struct err e = ERR_INIT;
	char want[32], got[32] = "";
	struct stat st;
	int fd = -1;

	if (lock_take("lock", 0, &fd, &e) == -1)
		fail_msg("%s", e.msg);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	snprintf(want, sizeof(want), "%ld\n", (long)getpid());
	assert_true(pread(fd, got, sizeof(got) - 1, 0) > 0);
	assert_string_equal(got, want);
	close(fd);
}

static void
a_held_lock_is_busy_and_names_its_holder(void **state)
{
	struct err e = ERR_INIT;
	int go, fd = -1, status;
	char want[64];
	pid_t pid;

	pid = holder(&go);
	assert_int_equal(lock_take("lock", 0, &fd, &e), -1);
	snprintf(want, sizeof(want), "lock: held by process %ld", (long)pid);
	assert_err(&e, ERR_BUSY, want);
	assert_int_equal(lock_take("lock", 30, &fd, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	assert_int_equal(fd, -1);
	close(go);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
a_lock_without_a_pid_is_busy_too(void **state)
{
	struct err e = ERR_INIT;
	int a, b = -1;

	assert_int_equal(lock_take("lock", 0, &a, &e), 0);
	assert_int_equal(ftruncate(a, 0), 0);
	assert_int_equal(lock_take("lock", 0, &b, &e), -1);
	assert_err(&e, ERR_BUSY, "held by another process");
	assert_int_equal(pwrite(a, "12345678901234567890", 20, 0), 20);
	assert_int_equal(lock_take("lock", 0, &b, &e), -1);
	assert_err(&e, ERR_BUSY, "held by another process");
	close(a);
}

static void
a_killed_holder_lets_go(void **state)
{
	struct err e = ERR_INIT;
	int go, fd = -1;
	pid_t pid;

	pid = holder(&go);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(lock_take("lock", 0, &fd, &e), 0);
	close(fd);
	close(go);
}

static void
with_a_timeout_it_waits_for_the_holder(void **state)
{
	struct err e = ERR_INIT;
	int go, fd = -1, p[2], status;
	pid_t pid, waiter;
	char c;

	pid = holder(&go);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	waiter = fork();
	assert_true(waiter >= 0);
	if (waiter == 0) {
		close(go);
		if (write(p[1], "x", 1) != 1)
			_exit(2);
		_exit(lock_take("lock", 60000, &fd, &e) == 0 ? 0 : 1);
	}
	assert_int_equal(read(p[0], &c, 1), 1);
	close(go);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(waitpid(waiter, &status, 0), waiter);
	assert_int_equal(status, 0);
	close(p[0]);
	close(p[1]);
}

static void
a_removed_lock_file_is_not_mistaken_for_the_lock(void **state)
{
	struct err e = ERR_INIT;
	int go, fd = -1;
	struct stat a, b;
	pid_t pid;

	pid = holder(&go);
	assert_int_equal(unlink("lock"), 0);
	assert_int_equal(lock_take("lock", 0, &fd, &e), 0);
	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(stat("lock", &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	close(fd);
	close(go);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Whether a process has the file at path open. */
static bool
has_open(pid_t pid, const char *path)
{
	char name[64], full[PATH_MAX], want[PATH_MAX];
	bool found = false;
	struct dirent *ent;
	ssize_t n;
	DIR *d;

	assert_non_null(realpath(path, want));
	snprintf(name, sizeof(name), "/proc/%ld/fd", (long)pid);
	d = opendir(name);
	if (d == NULL)
		return false;		/* a zombie */
	while ((ent = readdir(d)) != NULL) {
		n = readlinkat(dirfd(d), ent->d_name, full, sizeof(full) - 1);
		if (n <= 0)
			continue;
		full[n] = '\0';
		found = found || strcmp(full, want) == 0;
	}
	closedir(d);
	return found;
}

static bool
has_ended(pid_t pid)
{
	siginfo_t si = { 0 };

	assert_int_equal(waitid(P_PID, (id_t)pid, &si,
	    WEXITED | WNOHANG | WNOWAIT), 0);
	return si.si_pid == pid;
}

static void
a_waiter_does_not_take_a_file_that_was_removed_meanwhile(void **state)
{
	struct err e = ERR_INIT;
	int go, fd = -1, status;
	pid_t pid, waiter;

	pid = holder(&go);
	waiter = fork();
	assert_true(waiter >= 0);
	if (waiter == 0) {
		close(go);
		_exit(lock_take("lock", 400, &fd, &e) == -1 &&
		    e.code == ERR_BUSY ? 0 : 1);
	}
	/* Until it waits; on a slow machine it may have given up already. */
	while (!has_open(waiter, "lock") && !has_ended(waiter))
		sched_yield();
	assert_int_equal(unlink("lock"), 0);
	assert_int_equal(lock_take("lock", 0, &fd, &e), 0);
	close(go);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(waitpid(waiter, &status, 0), waiter);
	assert_int_equal(status, 0);
	close(fd);
}

static void
symlinks_and_other_kinds_are_refused(void **state)
{
	struct err e = ERR_INIT;
	int fd = -1;

	assert_int_equal(symlink("target", "link"), 0);
	assert_int_equal(lock_take("link", 0, &fd, &e), -1);
	assert_err(&e, ERR_UNSAFE, "link: is a symbolic link");
	assert_int_equal(access("target", F_OK), -1);
	assert_int_equal(lock_take(".", 0, &fd, &e), -1);
	assert_int_equal(e.code, ERR_UNSAFE);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(lock_take("fifo", 0, &fd, &e), -1);
	assert_int_equal(e.code, ERR_UNSAFE);
	assert_int_equal(lock_take("none/lock", 0, &fd, &e), -1);
	assert_int_equal(e.sys_errno, ENOENT);
	assert_int_equal(fd, -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_free_lock_is_taken_and_records_the_pid),
		cmocka_unit_test(a_held_lock_is_busy_and_names_its_holder),
		cmocka_unit_test(a_lock_without_a_pid_is_busy_too),
		cmocka_unit_test(a_killed_holder_lets_go),
		cmocka_unit_test(with_a_timeout_it_waits_for_the_holder),
		cmocka_unit_test(
		    a_removed_lock_file_is_not_mistaken_for_the_lock),
		cmocka_unit_test(
		    a_waiter_does_not_take_a_file_that_was_removed_meanwhile),
		cmocka_unit_test(symlinks_and_other_kinds_are_refused),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
