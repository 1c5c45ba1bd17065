/* SPDX-License-Identifier: ISC */
#include "gitprog.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int
gitprog_path(const char *name, struct buf *out, struct err *e)
{
	char path[4096];
	char *slash;
	ssize_t n;

	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n <= 0)
		return err_sys(e, "/proc/self/exe");
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return err_set(e, ERR_SYS, "/proc/self/exe: not a path");
	*slash = '\0';
	if (buf_addf(out, "%s/%s", path, name) == -1)
		return err_set(e, ERR_MEM, "%s: too long", path);
	return 0;
}

void
gitprog_harden(void)
{
	static const struct rlimit none;

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)signal(SIGPIPE, SIG_IGN);
	umask(077);
	closefrom(3);
}

int
gitprog_sid(char ret[17], struct err *e)
{
	unsigned char r[8];
	size_t i;

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return err_sys(e, "getrandom");
	for (i = 0; i < sizeof(r); i++)
		snprintf(ret + 2 * i, 3, "%02x", r[i]);
	return 0;
}

static void
on_out(void *arg, int fd, short revents)
{
	struct gitprog_watch *w = arg;

	gitprog_unwatch(w);
	w->fn(w->arg);
}

int
gitprog_watch(struct loop *l, void (*fn)(void *arg), void *arg,
    struct gitprog_watch *ret, struct err *e)
{
	struct stat st;

	*ret = (struct gitprog_watch){ NULL, fn, arg };
	if (fstat(STDOUT_FILENO, &st) == -1 ||
	    (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode)))
		return 0;
	ret->fd = loop_fd_new(l, STDOUT_FILENO, 0, on_out, ret, e);
	return ret->fd != NULL ? 0 : -1;
}

void
gitprog_unwatch(struct gitprog_watch *w)
{
	loop_fd_free(w->fd);
	w->fd = NULL;
}

int
gitprog_status(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : 1;
}
