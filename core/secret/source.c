/* SPDX-License-Identifier: ISC */
#include "secret/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "secret/orphans.h"
#include "sys/tty.h"
#include "sys/ttykeep.h"

#define LEAVE_MS 10000		/* for a command that has said its secret */
#define WHAT_MAX 64

/* What ends us ends the command as well, or it would stay, perhaps at the
 * terminal: the reading comes to its end then. */
static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
#define ENDS (sizeof(ends) / sizeof(ends[0]))
static volatile sig_atomic_t got_signal;
static volatile sig_atomic_t reads_from = -1;

void
source_line(struct secret *s)
{
	const unsigned char *nl;

	nl = memchr(secret_data(s), '\n', secret_len(s));
	if (nl != NULL)
		secret_cut(s, (size_t)(nl - secret_data(s)));
}

static struct secret *
from_file(const char *path, const struct source_opts *o, struct err *e)
{
	struct secret *s;
	int fd;

	/* A FIFO that nobody writes to is waited for below, in time. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1) {
		err_sys(e, "%s file:%s", o->option, path);
		return NULL;
	}
	s = secret_read(fd, o->max, o->timeout_ms, path, e);
	close(fd);
	return s;
}

static struct secret *
from_fd(const char *number, const struct source_opts *o, struct err *e)
{
	char what[WHAT_MAX];
	uint64_t fd;

	snprintf(what, sizeof(what), "%s fd:", o->option);
	if (num_u64(number, what, 0, 65535, &fd, e) == -1)
		return NULL;
	snprintf(what, sizeof(what), "%s fd", o->option);
	return secret_read((int)fd, o->max, o->timeout_ms, what, e);
}

static void
on_signal(int signo)
{
	int why = errno, fd = -1;

	got_signal = signo;
	if (reads_from != -1)
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		(void)dup2(fd, reads_from);
		close(fd);
	}
	errno = why;
}

/* Only what would end us: who ignores or handles one goes on to. */
static void
hold_signals(int fd, struct sigaction old[ENDS])
{
	const struct sigaction ours = { .sa_handler = on_signal };
	size_t i;

	reads_from = fd;
	got_signal = 0;
	for (i = 0; i < ENDS; i++)
		if (sigaction(ends[i], NULL, &old[i]) == 0 &&
		    old[i].sa_handler == SIG_DFL)
			sigaction(ends[i], &ours, NULL);
}

static void
release_signals(const struct sigaction old[ENDS])
{
	size_t i;

	for (i = 0; i < ENDS; i++)
		sigaction(ends[i], &old[i], NULL);
	if (got_signal != 0)
		raise(got_signal);
}

/* Reaps the command; ends it, and all that it started, when it has not said its
 * secret in time, or said it and does not go. It stays in our process group,
 * since it may have to ask on the terminal. */
static int
reap(struct orphans *k, const struct ttykeep *tty, pid_t pid, bool said)
{
	struct pollfd p = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	bool over = said && p.fd != -1 && poll(&p, 1, LEAVE_MS) == 1 &&
	    got_signal == 0;
	int status = 0, rc;

	if (p.fd != -1)
		close(p.fd);
	if (!over) {
		/* Another user's is left: it has failed as if killed. */
		if (!orphans_kill_one(k, pid, &status))
			status = SIGKILL;
		orphans_kill(k);
		/* Who asked there can't put the echo on any more. */
		ttykeep_back(tty);
		return status;
	}
	do
		rc = waitpid(pid, &status, 0);
	while (rc == -1 && errno == EINTR);
	return rc == -1 ? -1 : status;
}

static struct secret *
from_command(const char *command, const struct source_opts *o,
    struct err *e)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	pid_t pid, parent = getpid();
	struct sigaction old, held[ENDS];
	char what[WHAT_MAX];
	struct secret *s;
	struct orphans kids;
	struct ttykeep tty;
	int p[2], status;

	if (pipe2(p, O_CLOEXEC) == -1) {
		err_sys(e, "pipe");
		return NULL;
	}
	/* Ignored, the kernel would reap for us, and no status be known. */
	sigaction(SIGCHLD, &dfl, &old);
	orphans_begin(&kids);
	ttykeep_begin(&tty);
	hold_signals(p[0], held);
	pid = fork();
	if (pid == -1) {
		err_sys(e, "fork");
		orphans_end(&kids);
		ttykeep_end(&tty);
		sigaction(SIGCHLD, &old, NULL);
		reads_from = -1;
		release_signals(held);
		close(p[0]);
		close(p[1]);
		return NULL;
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(127);
		if (dup2(p[1], 1) == 1)
			execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(p[1]);
	snprintf(what, sizeof(what), "%s cmd", o->option);
	s = secret_read(p[0], o->max, o->timeout_ms, what, e);
	/* Its number may be another descriptor's next. */
	reads_from = -1;
	close(p[0]);
	status = reap(&kids, &tty, pid, s != NULL && got_signal == 0);
	orphans_end(&kids);
	ttykeep_end(&tty);
	sigaction(SIGCHLD, &old, NULL);
	release_signals(held);
	if (s != NULL && status != 0) {
		secret_free(s);
		err_set(e, ERR_CONFIG, "%s cmd: '%s' failed (status %d)",
		    o->option, command, WIFEXITED(status) ?
		    WEXITSTATUS(status) : 128 + WTERMSIG(status));
		return NULL;
	}
	return s;
}

static struct secret *
from_tty(const struct source_opts *o, struct err *e)
{
	struct secret *s;
	size_t len;

	s = secret_new(o->max, e);
	if (s == NULL)
		return NULL;
	if (tty_ask(o->prompt, secret_data_mut(s), o->max, o->timeout_ms,
	    &len, e) == -1) {
		secret_free(s);
		return NULL;
	}
	secret_cut(s, len);
	return s;
}

struct secret *
source_read(const char *spec, const struct source_opts *o, struct err *e)
{
	if (strncmp(spec, "file:", 5) == 0)
		return from_file(spec + 5, o, e);
	if (strncmp(spec, "fd:", 3) == 0)
		return from_fd(spec + 3, o, e);
	if (strncmp(spec, "cmd:", 4) == 0)
		return from_command(spec + 4, o, e);
	if (strcmp(spec, "tty") == 0)
		return from_tty(o, e);
	err_set(e, ERR_USAGE, "%s '%s' is none of %sfile:PATH, fd:N, "
	    "cmd:COMMAND, tty", o->option, spec, o->also);
	return NULL;
}
