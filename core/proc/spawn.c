/* SPDX-License-Identifier: ISC */
#include "proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <paths.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES 65536

/* What parent and child share: read by the child, but for .error. */
struct shared {
	const struct spawn *s;
	pid_t parent;
	bool partly;		/* the file table is still ours: see below */
	/* Written by the child: the compiler can't know. */
	volatile bool table_failed;
	volatile int error;
};

static long
close_from(unsigned from, unsigned flags)
{
	return syscall(SYS_close_range, from, ~0U, flags);
}

/* Puts the three where they belong. One that lies at another's place moves
 * out of the way first. */
static int
place_fds(const int want[3])
{
	int fd[3], i;

	for (i = 0; i < 3; i++) {
		fd[i] = want[i];
		if (fd[i] == -1)
			fd[i] = open(_PATH_DEVNULL, O_RDWR | O_CLOEXEC);
		if (fd[i] >= 0 && fd[i] < 3 && fd[i] != i)
			fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, 3);
		if (fd[i] == -1)
			return -1;
	}
	for (i = 0; i < 3; i++)
		if (fd[i] == i ? fcntl(i, F_SETFD, 0) == -1 :
		    dup2(fd[i], i) == -1)
			return -1;
	/* Also what we inherited without close-on-exec ourselves. */
	close_from(3, CLOSE_RANGE_CLOEXEC);
	return 0;
}

static void
reset_signals(const sigset_t *reset)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	int i;

	for (i = 1; i < _NSIG; i++)
		if (sigismember(reset, i) == 1)
			sigaction(i, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Between fork and exec, in our memory: async-signal-safe calls only, and
 * nothing is written but this stack, errno and the slot. */
static int
child_side(void *arg)
{
	struct shared *sh = arg;
	const struct spawn *s = sh->s;

	if (sh->partly && close_from(SPAWN_LOW, CLOSE_RANGE_UNSHARE) == -1) {
		sh->table_failed = true;
		_exit(127);
	}
	if (!s->keep_on_death) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != sh->parent)
			_exit(127);
	}
	if (s->own_group && setpgid(0, 0) == -1)
		goto fail;
	if (place_fds(s->fd) == -1)
		goto fail;
	reset_signals(s->reset);
	if (s->before_exec != NULL && s->before_exec(s->arg) != 0)
		goto fail;
	execve(s->path, s->argv, s->envp);
fail:
	sh->error = errno != 0 ? errno : EINVAL;
	_exit(127);
}

static __attribute__((noinline)) pid_t
start_plain(struct shared *sh)
{
	pid_t pid = vfork();

	if (pid == 0)
		child_side(sh);
	return pid;
}

/* The file table shared at first, then copied below SPAWN_LOW only. */
static pid_t
start_partly(struct shared *sh)
{
	static char stack[STACK_BYTES] __attribute__((aligned(64)));

	return clone(child_side, stack + sizeof(stack),
	    CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, sh);
}

static bool
few_needed(const struct spawn *s)
{
	int i;

	for (i = 0; i < 3; i++)
		if (s->fd[i] >= SPAWN_LOW)
			return false;
	return s->before_exec == NULL;
}

int
spawn_run(const struct spawn *s, pid_t *ret_pid, struct err *e)
{
	struct shared sh = { .s = s, .parent = getpid() };
	sigset_t all, old;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	sh.partly = s->many && few_needed(s);
	pid = sh.partly ? start_partly(&sh) : start_plain(&sh);
	if (sh.table_failed) {
		/* A kernel without it: the long way. */
		waitpid(pid, NULL, 0);
		sh.partly = sh.table_failed = false;
		pid = start_plain(&sh);
	}
	if (pid == -1)
		sh.error = errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (sh.error != 0) {
		if (pid != -1)
			while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
				continue;
		errno = sh.error;
		return err_sys(e, "%s %s", pid == -1 ? "fork for" : "run",
		    s->argv[0]);
	}
	*ret_pid = pid;
	return 0;
}

static bool
executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return false;
	if (!S_ISREG(st.st_mode)) {
		errno = EACCES;
		return false;
	}
	return access(path, X_OK) == 0;
}

char *
spawn_path(const char *name, struct err *e)
{
	const char *path = getenv("PATH"), *part, *end;
	char buf[PATH_MAX];
	int why = ENOENT, n;
	char *ret;

	if (path == NULL)
		path = _PATH_DEFPATH;
	if (strchr(name, '/') != NULL) {
		if (executable(name))
			goto found;
		why = errno;
		path = "";
	}
	for (part = path; *part != '\0' && *name != '\0'; part = end) {
		end = strchrnul(part, ':');
		n = snprintf(buf, sizeof(buf), "%.*s/%s", (int)(end - part),
		    part, name);
		if (*end == ':')
			end++;
		if (*part != '/' || n < 0 || (size_t)n >= sizeof(buf))
			continue;
		if (executable(buf)) {
			name = buf;
			goto found;
		}
		if (errno == EACCES)
			why = EACCES;
	}
	errno = why;
	err_sys(e, "run %s", name);
	return NULL;
found:
	ret = strdup(name);
	if (ret == NULL)
		err_set(e, ERR_MEM, "out of memory");
	return ret;
}

int
spawn_high(int fd)
{
	int high;

	if (fd < 0 || fd >= SPAWN_LOW)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, SPAWN_LOW);
	if (high == -1)
		return fd;
	close(fd);
	return high;
}

int
spawn_pipe(bool input, int *ret_ours, int *ret_theirs, struct err *e)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) == -1)
		return err_sys(e, "pipe");
	if (input && fcntl(p[1], F_SETFL, O_NONBLOCK) == -1) {
		err_sys(e, "pipe");
		close(p[0]);
		close(p[1]);
		return -1;
	}
	*ret_ours = spawn_high(p[input ? 1 : 0]);
	*ret_theirs = p[input ? 0 : 1];
	return 0;
}
