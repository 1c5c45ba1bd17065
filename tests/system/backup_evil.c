/* SPDX-License-Identifier: ISC */
/*
 * A hostile program in rsync's place. Where it attacks comes in an argument,
 * the folder of --config=FOLDER/… or --out-format=FOLDER, and is "/" besides.
 * Says on stderr "did WHAT" for each thing that worked, "fd N" and "env X" for
 * what it was left, and "tried" at the end; then leaves a child behind that
 * means to stay, and fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static char base[4096] = "/";

static const char *
at(const char *name)
{
	static char path[8192];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	return path;
}

static void
try(const char *what, long rc)
{
	if (rc >= 0)
		dprintf(2, "did %s\n", what);
}

static void
files(void)
{
	char other[8192];
	struct timespec t[2] = { { 0 } };

	try("read secret", open(at("outside/secret"), O_RDONLY));
	try("write", open(at("outside/file"), O_WRONLY));
	try("create", open(at("outside/new"), O_WRONLY | O_CREAT, 0600));
	try("truncate", truncate(at("outside/file"), 0));
	try("unlink", unlink(at("outside/file")));
	try("mkdir", mkdir(at("outside/newdir"), 0700));
	try("symlink", symlink("/", at("outside/newlink")));
	snprintf(other, sizeof(other), "%s", at("outside/moved"));
	try("rename", rename(at("outside/file"), other));
	try("link out", link(at("outside/file"), "stolen"));
	try("raw disk", open(at("disk"), O_RDONLY));
	try("/dev/mem", open("/dev/mem", O_RDONLY));
	try("/dev/disk", open("/dev/disk", O_RDONLY | O_DIRECTORY));
	try("/proc", open("/proc/1/environ", O_RDONLY));
	try("shadow", open("/etc/shadow", O_RDONLY));
	try("chmod", chmod(at("outside/file"), 0666));
	try("utime", utimensat(AT_FDCWD, at("outside/file"), t, 0));
	try("setxattr", setxattr(at("outside/file"), "user.x", "y", 1, 0));
}

/* What another process sees of the files, by /proc: of one outside of the jail
 * that is all there is. */
static void
by_proc(void)
{
	static const char *const ways[] = { "root", "cwd/../../../../../.." };
	pid_t last = getpid(), pid;
	char path[8192];
	size_t i;

	for (pid = last > 2000 ? last - 2000 : 1; pid <= last + 20; pid++)
		for (i = 0; i < 2; i++) {
			snprintf(path, sizeof(path), "/proc/%d/%s%s/outside",
			    (int)(pid == last ? 1 : pid), ways[i], base);
			try("proc chmod", chmod(path, 0666));
			try("proc setxattr", setxattr(path, "user.x", "y", 1,
			    0));
			try("proc open", open(path, O_RDONLY));
		}
}

/* Raw disks below the folder that may be written. */
static void
inside(void)
{
	struct stat st;
	int fd = open("evil-was-here", O_WRONLY | O_CREAT, 0600);

	if (fd != -1)
		dprintf(2, "inside\n");
	if (stat(at("disk"), &st) == 0 &&
	    mknod("disk", S_IFBLK | 0600, st.st_rdev) == 0)
		try("made disk", open("disk", O_RDONLY));
}

static long
run(const char *path, const char *arg)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl(path, path, arg, "-c", "exit 42", (char *)NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 42 ? 0 : -1;
}

static void
calls(void)
{
	struct { unsigned bytes; int type; unsigned char f[128]; } h = { 128 };
	int pair[2], mount_id;

	try("sh", run("/bin/sh", "-e"));
	try("loader", run("/lib64/ld-linux-x86-64.so.2", "/bin/sh"));
	try("inet", socket(AF_INET, SOCK_STREAM, 0));
	try("unix", socket(AF_UNIX, SOCK_DGRAM, 0));
	try("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
	try("dgram pair", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	try("ptrace", ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
	try("seize", ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
	try("signal", kill(getppid(), SIGCONT));
	try("handle", syscall(SYS_name_to_handle_at, AT_FDCWD, "/", &h,
	    &mount_id, 0));
	try("open handle", syscall(SYS_open_by_handle_at, AT_FDCWD, &h,
	    O_RDONLY));
	try("userns", unshare(CLONE_NEWUSER));
	try("mount", mount("none", "/", "tmpfs", 0, NULL));
	try("memfd", memfd_create("x", 0));
	try("keyctl", syscall(SYS_keyctl, 0, -3, 0, 0, 0));
	try("bpf", syscall(SYS_bpf, 0, &h, 48));
	try("io_uring", syscall(SYS_io_uring_setup, 1, &h));
	try("setsid", setsid());
	try("setpgid", setpgid(0, 0));
}

int
main(int argc, char **argv)
{
	extern char **environ;
	int i;

	for (i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--config=", 9) == 0)
			snprintf(base, sizeof(base), "%s",
			    dirname(argv[i] + 9));
		if (strncmp(argv[i], "--out-format=", 13) == 0)
			snprintf(base, sizeof(base), "%s", argv[i] + 13);
	}
	for (i = 3; i < 1024; i++)
		if (fcntl(i, F_GETFD) != -1)
			dprintf(2, "fd %d\n", i);
	for (i = 0; environ[i] != NULL; i++)
		dprintf(2, "env %s\n", environ[i]);
	files();
	by_proc();
	inside();
	calls();
	base[1] = '\0';
	files();
	dprintf(2, "tried\n");
	if (fork() == 0) {
		if (fork() != 0)
			_exit(0);
		for (i = 1; i < 65; i++)
			signal(i, SIG_IGN);
		dprintf(2, "stays %d\n", (int)getpid());
		for (;;)
			pause();
	}
	wait(NULL);
	/* Its line is out before we end. */
	sleep(1);
	return 1;
}
