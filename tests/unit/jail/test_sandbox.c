/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <grp.h>
#include <unistd.h>

#include "jail/sandbox.h"

/* in/ is allowed in each test in its own way, out/ never. */
static char dir[] = "/tmp/postern-test-XXXXXX";

static void
put(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd != -1 && write(fd, "x", 1) == 1);
	close(fd);
}

static void
copy_program(const char *from, const char *to)
{
	char chunk[65536];
	ssize_t n;
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	assert_true(in != -1 && out != -1);
	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		assert_int_equal(write(out, chunk, (size_t)n), n);
	close(in);
	close(out);
}

static int
make_tree(void **state)
{
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) == -1 || chdir(dir) == -1 ||
	    mkdir("in", 0755) == -1 || mkdir("out", 0755) == -1 ||
	    mkdir("in/below", 0755) == -1)
		return -1;
	put("in/file", 0644);
	put("out/file", 0644);
	copy_program("/bin/true", "in/true");
	copy_program("/bin/true", "out/true");
	return symlink("../out", "in/link");
}

static int
remove_tree(void **state)
{
	static const char *const names[] = { "in/file", "out/file", "in/true",
		"out/true", "in/link", "in/new", "in/below/new", "out/new",
		"in/fifo" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	rmdir("in/newdir");
	rmdir("in/below");
	rmdir("in");
	rmdir("out");
	return chdir("/") == -1 ? -1 : rmdir(dir);
}

/* In a child: the sandbox with in/ allowed, then check(); 0 is success, a
 * line of the source what failed. */
static int
confined(unsigned rights, unsigned calls, int (*check)(void))
{
	struct err e = ERR_INIT;
	struct sandbox *s;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		s = sandbox_new(calls, &e);
		if (s == NULL ||
		    sandbox_allow(s, "in", rights, &e) == -1 ||
		    sandbox_allow(s, "/lib", SANDBOX_READ | SANDBOX_EXEC |
			SANDBOX_OPTIONAL, &e) == -1 ||
		    sandbox_allow(s, "/lib64", SANDBOX_READ | SANDBOX_EXEC |
			SANDBOX_OPTIONAL, &e) == -1 ||
		    sandbox_enter(s, calls, &e) == -1) {
			fprintf(stderr, "%s\n", e.msg);
			_exit(1);
		}
		sandbox_free(s);
		_exit(check() == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

#define NEED(what) do {							\
	if (!(what)) {							\
		dprintf(2, "%d: %s: errno %d\n", __LINE__, #what, errno); \
		return -1;						\
	}								\
} while (0)
#define REFUSED(what, why) do {						\
	errno = 0;							\
	if ((what) != -1 || errno != (why)) {				\
		dprintf(2, "%d: %s: errno %d\n", __LINE__, #what, errno); \
		return -1;						\
	}								\
} while (0)

static int
run(const char *path)
{
	char *argv[] = { (char *)path, NULL }, *envp[] = { NULL };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execve(path, argv, envp);
		_exit(errno == EACCES ? 13 : 99);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ?
	    WEXITSTATUS(status) : -1;
}

static int
check_read(void)
{
	NEED(open("in/file", O_RDONLY) != -1);
	REFUSED(open("in", O_RDONLY | O_DIRECTORY), EACCES);
	REFUSED(open("in/file", O_WRONLY), EACCES);
	REFUSED(open("in/file", O_RDONLY | O_TRUNC), EACCES);
	REFUSED(open("in/new", O_WRONLY | O_CREAT, 0600), EACCES);
	REFUSED(unlink("in/file"), EACCES);
	REFUSED(rename("in/file", "in/new"), EACCES);
	REFUSED(mkdir("in/newdir", 0700), EACCES);
	REFUSED(open("out/file", O_RDONLY), EACCES);
	REFUSED(open("in/link/file", O_RDONLY), EACCES);
	REFUSED(open("in/../out/file", O_RDONLY), EACCES);
	REFUSED(open("out", O_RDONLY | O_DIRECTORY), EACCES);
	REFUSED(open("/proc/self/mem", O_RDWR), EACCES);
	REFUSED(open("/dev/null", O_RDONLY), EACCES);
	NEED(run("in/true") == 13);
	return 0;
}

static void
sandbox_lets_files_be_read_and_nothing_else(void **state)
{
	assert_int_equal(confined(SANDBOX_READ, 0, check_read), 0);
}

static int
check_list(void)
{
	NEED(open("in", O_RDONLY | O_DIRECTORY) != -1);
	NEED(open("in/below", O_RDONLY | O_DIRECTORY) != -1);
	REFUSED(open("in/file", O_RDONLY), EACCES);
	REFUSED(open("out", O_RDONLY | O_DIRECTORY), EACCES);
	return 0;
}

static void
sandbox_lets_folders_be_listed_without_their_files(void **state)
{
	assert_int_equal(confined(SANDBOX_LIST, 0, check_list), 0);
}

static int
check_exec(void)
{
	NEED(run("in/true") == 0);
	NEED(run("out/true") == 13);
	NEED(run("/bin/sh") == 13);
	return 0;
}

static void
sandbox_lets_only_what_was_named_be_executed(void **state)
{
	assert_int_equal(confined(SANDBOX_READ | SANDBOX_EXEC, 0, check_exec),
	    0);
}

static int
check_write(void)
{
	NEED(open("in/new", O_RDWR | O_CREAT | O_EXCL, 0600) != -1);
	NEED(mkdir("in/newdir", 0700) == 0);
	NEED(rmdir("in/newdir") == 0);
	NEED(mkfifo("in/fifo", 0600) == 0);
	NEED(unlink("in/fifo") == 0);
	NEED(rename("in/new", "in/below/new") == 0);
	NEED(link("in/below/new", "in/new") == 0);
	NEED(unlink("in/below/new") == 0);
	NEED(chmod("in/new", 0640) == 0);
	REFUSED(open("out/new", O_WRONLY | O_CREAT, 0600), EACCES);
	REFUSED(open("in/link/new", O_WRONLY | O_CREAT, 0600), EACCES);
	/* By name, which older kernels don't confine: never, anywhere. */
	REFUSED(truncate("in/new", 0), EPERM);
	REFUSED(truncate("out/file", 0), EPERM);
	REFUSED(unlink("out/file"), EACCES);
	errno = 0;
	NEED(rename("in/new", "out/new") == -1 &&
	    (errno == EXDEV || errno == EACCES));
	NEED(link("out/file", "in/below/new") == -1 &&
	    (errno == EXDEV || errno == EACCES));
	NEED(mknod("in/below/new", S_IFBLK | 0600, 0) == -1);
	return 0;
}

static void
sandbox_lets_everything_be_written_below_and_nothing_beside(void **state)
{
	assert_int_equal(confined(SANDBOX_READ | SANDBOX_LIST | SANDBOX_WRITE,
	    SANDBOX_PAIRS | SANDBOX_META, check_write), 0);
}

static int
check_meta(void)
{
	struct timespec t[2] = { { 0 } };
	int flags = 0, fd;

	REFUSED(chmod("out/file", 0666), EPERM);
	REFUSED(chown("out/file", getuid(), getgid()), EPERM);
	REFUSED(utimensat(AT_FDCWD, "out/file", t, 0), EPERM);
	REFUSED(setxattr("out/file", "user.x", "y", 1, 0), EPERM);
	REFUSED(removexattr("out/file", "user.x"), EPERM);
	REFUSED(truncate("in/file", 0), EPERM);
	NEED((fd = open("in/file", O_RDONLY)) != -1);
	REFUSED(fchmod(fd, 0666), EPERM);
	REFUSED(ioctl(fd, FS_IOC_SETFLAGS, &flags), EPERM);
	REFUSED(syscall(452, AT_FDCWD, "out/file", 0666, 0), EPERM);
	return 0;
}

static void
sandbox_refuses_to_change_metadata_unless_told(void **state)
{
	assert_int_equal(confined(SANDBOX_READ, 0, check_meta), 0);
}

static int
check_calls(void)
{
	int pair[2];
	char c = 'x';

	REFUSED(socket(AF_UNIX, SOCK_STREAM, 0), EPERM);
	REFUSED(socket(AF_INET, SOCK_STREAM, 0), EPERM);
	REFUSED(socket(AF_NETLINK, SOCK_RAW, 0), EPERM);
	REFUSED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), EPERM);
	REFUSED(ptrace(PTRACE_TRACEME, 0, NULL, NULL), EPERM);
	REFUSED(syscall(SYS_process_vm_readv, getppid(), NULL, 0L, NULL, 0L,
	    0L), EPERM);
	REFUSED(syscall(SYS_bpf, 0, NULL, 0), EPERM);
	REFUSED(mount("none", "in", "tmpfs", 0, NULL), EPERM);
	REFUSED(umount2("/proc", MNT_DETACH), EPERM);
	REFUSED(chroot("in"), EPERM);
	REFUSED(unshare(CLONE_NEWUSER), EPERM);
	REFUSED(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0),
	    EPERM);
	REFUSED(syscall(435, NULL, 0), ENOSYS);
	REFUSED(syscall(SYS_open_by_handle_at, -1, NULL, 0), EPERM);
	REFUSED(syscall(SYS_keyctl, 0, 0, 0, 0, 0), EPERM);
	REFUSED(syscall(SYS_add_key, 0, 0, 0, 0, 0), EPERM);
	REFUSED(syscall(SYS_io_uring_setup, 1, NULL), EPERM);
	REFUSED(syscall(SYS_userfaultfd, 0), EPERM);
	REFUSED(syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0), EPERM);
	REFUSED(memfd_create("x", 0), EPERM);
	REFUSED(syscall(SYS_execveat, AT_FDCWD, "in/true", NULL, NULL, 0),
	    EPERM);
	REFUSED(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600), EPERM);
	REFUSED(setsid(), EPERM);
	REFUSED(setpgid(0, 0), EPERM);
	REFUSED(ioctl(0, TIOCSTI, &c), EPERM);
	REFUSED(setgroups(0, NULL), EPERM);
	NEED(run("in/true") == 0);
	return 0;
}

static int
drop_groups_too(void)
{
	/* Root may, and would: that one is checked without its right. */
	if (getuid() == 0 && setresuid(65534, 65534, 65534) == -1)
		return -1;
	return check_calls();
}

static void
sandbox_refuses_what_no_copying_program_calls(void **state)
{
	assert_int_equal(confined(SANDBOX_READ | SANDBOX_EXEC, 0,
	    drop_groups_too), 0);
}

static int
check_pairs(void)
{
	int pair[2];
	char c = 'x';

	NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	NEED(write(pair[0], &c, 1) == 1 && read(pair[1], &c, 1) == 1);
	NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	REFUSED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), EPERM);
	REFUSED(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), EPERM);
	REFUSED(socketpair(AF_INET, SOCK_STREAM, 0, pair), EPERM);
	REFUSED(socket(AF_UNIX, SOCK_STREAM, 0), EPERM);
	return 0;
}

static void
sandbox_lets_pairs_of_streams_be_made_when_told(void **state)
{
	assert_int_equal(confined(SANDBOX_READ, SANDBOX_PAIRS, check_pairs),
	    0);
}

static int
check_groups(void)
{
	gid_t before[64], after[64];
	int n = getgroups(64, before);

	NEED(setresuid(65534, 65534, 65534) == 0 || getuid() != 0);
	NEED(setgroups(0, NULL) == 0);
	NEED(getgroups(64, after) == n);
	return 0;
}

static void
sandbox_says_yes_to_setgroups_and_does_nothing_when_told(void **state)
{
	assert_int_equal(confined(SANDBOX_READ, SANDBOX_GROUPS, check_groups),
	    0);
}

static int
check_module(void)
{
	syscall(SYS_delete_module, "x", 0);
	return 0;
}

static int
check_signal(void)
{
	REFUSED(kill(getppid(), 0), EPERM);
	NEED(kill(getpid(), 0) == 0);
	return 0;
}

static void
sandbox_lets_no_signal_out(void **state)
{
	if (sandbox_abi() < 6) {
		if (getenv("CI") != NULL)
			fail_msg("needs Landlock ABI 6 (Linux 6.12)");
		skip();
	}
	assert_int_equal(confined(SANDBOX_READ, 0, check_signal), 0);
}

#ifdef __x86_64__
/* getpid() as i386 has it, and as x32 has it. */
static int
check_i386(void)
{
	int ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(20) : "memory");
	return 0;
}

static int
check_x32(void)
{
	syscall(0x40000000 + SYS_getpid);
	return 0;
}
#endif

static void
sandbox_kills_for_modules_and_for_another_abi(void **state)
{
	int status = confined(SANDBOX_READ, 0, check_module);

	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
#ifdef __x86_64__
	status = confined(SANDBOX_READ, 0, check_i386);
	assert_true(WIFSIGNALED(status));
	status = confined(SANDBOX_READ, 0, check_x32);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
#endif
}

static void
sandbox_follows_no_link_when_strict(void **state)
{
	struct err e = ERR_INIT;
	struct sandbox *s = sandbox_new(0, &e);
	const unsigned how = SANDBOX_READ | SANDBOX_STRICT;

	assert_non_null(s);
	assert_int_equal(sandbox_allow(s, "in/link", how, &e), 1);
	assert_int_equal(sandbox_allow(s, "in/link/file", how, &e), 1);
	assert_int_equal(sandbox_allow(s, "in/file", how, &e), 0);
	assert_int_equal(sandbox_allow(s, "in/link/file", SANDBOX_READ, &e),
	    0);
	assert_int_equal(sandbox_allow(s, "in/file", SANDBOX_LIST, &e), 1);
	sandbox_free(s);
}

static void
sandbox_names_a_missing_path_unless_it_may_be_missing(void **state)
{
	struct err e = ERR_INIT;
	struct sandbox *s = sandbox_new(0, &e);

	assert_non_null(s);
	assert_int_equal(sandbox_allow(s, "nowhere", SANDBOX_READ |
	    SANDBOX_OPTIONAL, &e), 1);
	assert_int_equal(sandbox_allow(s, "nowhere", SANDBOX_READ, &e), -1);
	assert_err(&e, ERR_SYS, "nowhere: No such file");
	sandbox_free(s);
	sandbox_free(NULL);
}

static void
sandbox_says_what_a_kernel_can_not(void **state)
{
	char text[512];

	sandbox_describe(0, text, sizeof(text));
	assert_string_equal(text, "nothing is confined: no Landlock");
	sandbox_describe(3, text, sizeof(text));
	assert_string_equal(text, "the kernel confines files and folders, "
	    "links and renames between folders, truncate; it is too old to "
	    "confine TCP, device ioctls, abstract sockets and signals; "
	    "system calls are filtered");
	sandbox_describe(99, text, sizeof(text));
	assert_null(strstr(text, "too old"));
	sandbox_describe(3, text, 9);
	assert_string_equal(text, "the kern");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sandbox_lets_files_be_read_and_nothing_else),
		cmocka_unit_test(
		    sandbox_lets_folders_be_listed_without_their_files),
		cmocka_unit_test(sandbox_lets_only_what_was_named_be_executed),
		cmocka_unit_test(
		    sandbox_lets_everything_be_written_below_and_nothing_beside),
		cmocka_unit_test(
		    sandbox_refuses_to_change_metadata_unless_told),
		cmocka_unit_test(
		    sandbox_refuses_what_no_copying_program_calls),
		cmocka_unit_test(
		    sandbox_lets_pairs_of_streams_be_made_when_told),
		cmocka_unit_test(
		    sandbox_says_yes_to_setgroups_and_does_nothing_when_told),
		cmocka_unit_test(sandbox_lets_no_signal_out),
		cmocka_unit_test(sandbox_kills_for_modules_and_for_another_abi),
		cmocka_unit_test(sandbox_follows_no_link_when_strict),
		cmocka_unit_test(
		    sandbox_names_a_missing_path_unless_it_may_be_missing),
		cmocka_unit_test(sandbox_says_what_a_kernel_can_not),
	};

	return cmocka_run_group_tests_name("sandbox", tests, make_tree,
	    remove_tree);
}
