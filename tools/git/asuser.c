/* SPDX-License-Identifier: ISC */
#include "asuser.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* As one write into a pipe: all of it or nothing. */
struct result {
	int rc;
	struct err e;
	char ret[ASUSER_MAX];
};

_Static_assert(sizeof(struct result) <= PIPE_BUF, "in one write");

static int
become(const struct passwd *pw, struct err *e)
{
	if (initgroups(pw->pw_name, pw->pw_gid) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1)
		return err_sys(e, "becoming %s", pw->pw_name);
	if (setenv("HOME", pw->pw_dir, 1) == -1 ||
	    setenv("USER", pw->pw_name, 1) == -1 ||
	    setenv("LOGNAME", pw->pw_name, 1) == -1)
		return err_sys(e, "setenv");
	return 0;
}

static void __attribute__((noreturn))
child(const struct passwd *pw, asuser_fn *fn, void *arg, int out)
{
	struct result r = { .rc = -1 };

	/* What root has open is not that user's. */
	if (dup2(out, 3) == -1)
		_exit(1);
	closefrom(4);
	if (become(pw, &r.e) == 0)
		r.rc = fn(arg, r.ret, &r.e);
	_exit(write(3, &r, sizeof(r)) == (ssize_t)sizeof(r) ? 0 : 1);
}

static ssize_t
whole(int fd, struct result *r)
{
	ssize_t n;

	do {
		n = read(fd, r, sizeof(*r));
	} while (n == -1 && errno == EINTR);
	return n;
}

int
asuser_run(const struct passwd *pw, asuser_fn *fn, void *arg, void *ret,
    size_t len, struct err *e)
{
	struct result r;
	int p[2], status;
	ssize_t n;
	pid_t pid;

	(void)fflush(NULL);
	if (pipe2(p, O_CLOEXEC) == -1)
		return err_sys(e, "pipe");
	pid = fork();
	if (pid == -1) {
		err_sys(e, "fork");
		close(p[0]);
		close(p[1]);
		return -1;
	}
	if (pid == 0)
		child(pw, fn, arg, p[1]);
	close(p[1]);
	n = whole(p[0], &r);
	close(p[0]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (n != (ssize_t)sizeof(r))
		return err_set(e, ERR_SYS, "what was to be done as %s was "
		    "killed", pw->pw_name);
	if (ret != NULL)
		memcpy(ret, r.ret, len);
	if (r.rc == -1 && e != NULL)
		*e = r.e;
	return r.rc;
}
