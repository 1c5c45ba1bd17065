/* SPDX-License-Identifier: ISC */
#include "admit_unread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grants.h"
#include "half.h"
#include "onename.h"
#include "plain.h"
#include "source.h"
#include "sys/file.h"

#define LINE_MAX_BYTES 8192	/* a path of rsync's, and what is around it */
#define LOOK_MS 10000
#define READS 512		/* more than a pipe holds, of 4096 bytes */
#define PATH_ROOM 4096

int
admit_unread_open(struct admit_unread *u, int *ret_end, struct err *e)
{
	int fds[2], flags = fcntl(STDERR_FILENO, F_GETFL);

	*u = (struct admit_unread){ .fd = -1 };
	if (flags == -1 || fcntl(STDERR_FILENO, F_SETFL, flags |
	    O_NONBLOCK) == -1 || pipe2(fds, O_CLOEXEC) == -1)
		return err_sys(e, "stderr of rsync");
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK) == -1) {
		err_sys(e, "stderr of rsync");
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	lines_init(&u->lines, LINE_MAX_BYTES);
	u->fd = fds[0];
	*ret_end = fds[1];
	return 0;
}

void
admit_unread_clear(struct admit_unread *u)
{
	if (u->fd != -1)
		close(u->fd);
	u->fd = -1;
	lines_clear(&u->lines);
	unread_clear(&u->unread);
}

/* A lines_fn. */
static bool
on_line(void *arg, const char *line, size_t len, bool cut)
{
	struct admit_unread *u = arg;

	if (len > 0)
		unread_line(&u->unread, line, cut);
	return true;
}

void
admit_unread_read(struct admit_unread *u)
{
	char text[4096];
	int rounds;
	ssize_t n;

	/* A flood is left for the next turn: the leash comes first. */
	for (rounds = 0; u->fd != -1 && rounds < READS; rounds++) {
		n = read(u->fd, text, sizeof(text));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		if (n <= 0) {
			lines_end(&u->lines, on_line, u);
			close(u->fd);
			u->fd = -1;
			return;
		}
		/* Who doesn't read it loses it. */
		(void)!write(STDERR_FILENO, text, (size_t)n);
		lines_feed(&u->lines, text, (size_t)n, on_line, u);
	}
}

/* Until it is over, its time is up, or the leash is cut. Whether it said 0. */
static bool
wait_for(pid_t pid, int leash)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0, n;
	struct pollfd p[2] = { { .fd = pidfd, .events = POLLIN },
		{ .fd = leash, .events = POLLIN } };

	do
		n = pidfd == -1 ? 0 : poll(p, 2, LOOK_MS);
	while (n == -1 && errno == EINTR);
	if (n <= 0 || p[0].revents == 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (pidfd != -1)
		close(pidfd);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
could_read(const char *grants, int leash)
{
	char program[PATH_ROOM], look[] = "--readable", path[PATH_ROOM];
	char *argv[] = { program, look, path, NULL };
	pid_t pid;

	snprintf(path, sizeof(path), "%s", grants);
	if (half_program("postern-backup-send", program, sizeof(program),
	    NULL) == -1)
		return false;
	pid = fork();
	if (pid == 0) {
		execv(program, argv);
		_exit(1);
	}
	return pid != -1 && wait_for(pid, leash);
}

/* A grants_fn: fails when path is hidden and has one of the files in it. */
static int
look_hidden(void *arg, char letter, const char *path, struct err *e)
{
	const struct strv *files = arg;
	size_t i;

	for (i = 0; (letter == 'x' || letter == 'd') && i < files->n; i++)
		if (strcmp(files->v[i], path) == 0 ? letter == 'x' :
		    plain_below(files->v[i], path))
			return err_set(e, ERR_REFUSED, "%s: is hidden",
			    files->v[i]);
	return 0;
}

/* Whether one of the files is no late one: the other side, whose rules are
 * its own here, has asked for what the job leaves out. */
static bool
any_hidden(struct admit_unread *u, const char *dir)
{
	char path[PATH_ROOM];
	struct buf text;
	bool hidden;

	snprintf(path, sizeof(path), "%s" SOURCE_GRANTS, dir);
	buf_init(&text, GRANTS_MAX);
	hidden = file_read(path, &text, NULL) == -1 ||
	    grants_parse(text.data, text.len, look_hidden,
	    &u->unread.files, NULL) == -1;
	buf_clear(&text);
	return hidden;
}

/* For who asked for the backup, who names them. */
static void
leave(struct admit_unread *u, const char *dir)
{
	char path[PATH_ROOM];
	struct buf text;

	snprintf(path, sizeof(path), "%s" SOURCE_LEFT, dir);
	buf_init(&text, GRANTS_MAX);
	if (unread_emit(&u->unread, &text, NULL) == 0)
		(void)file_write(path, text.data, text.len, 0600, NULL, NULL);
	buf_clear(&text);
}

int
admit_unread_judge(struct admit_unread *u, const char *dir, int leash, int rc)
{
	char path[PATH_ROOM];
	struct buf text;
	int n;

	admit_unread_read(u);
	n = snprintf(path, sizeof(path), "%s" SOURCE_UNREAD, dir);
	if ((rc != UNREAD_VANISHED && rc != UNREAD_PARTIAL) || n < 0 ||
	    (size_t)n >= sizeof(path))
		return rc;
	if (rc == UNREAD_PARTIAL && (!unread_only(&u->unread) ||
	    (u->in_place && !onename_each(&u->unread)) ||
	    any_hidden(u, dir)))
		return rc;
	buf_init(&text, GRANTS_MAX);
	if (u->unread.files.n == 0 ||
	    (unread_grants(&u->unread, &text, NULL) == 0 &&
	    file_write(path, text.data, text.len, 0600, NULL, NULL) == 0 &&
	    could_read(path, leash)))
		rc = UNREAD_VANISHED;
	buf_clear(&text);
	if (rc == UNREAD_VANISHED)
		leave(u, dir);
	return rc;
}
