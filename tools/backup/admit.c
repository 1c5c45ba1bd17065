/* SPDX-License-Identifier: ISC */
/*
 * postern-backup-gate --dir DIR [--nice N] [--ionice CLASS[:LEVEL]]
 *     [--bwlimit KIB]
 *
 * The forced command of a one-time sshd (ssh/oneshot.h). What the other side
 * wants to run is in SSH_ORIGINAL_COMMAND. The gate (gate.h) makes an argv of
 * it or refuses, and postern-backup-send runs that argv in its jail, with the
 * grants in DIR; nothing of the other side's string is executed, and there is
 * no shell. Only one session gets so far: the first that asks at DIR/meet.
 *
 * This process stays beside it and holds the leash: when `postern backup run`
 * is gone, however it ended, it ends the jail and its own sshd; when it is
 * gone itself, the kernel ends the jail. On the leash it says why it refused,
 * or rsync's exit status: 24 in the place of 23 when it was for files alone
 * that came too late (unread.h), which are in DIR/unread then.
 *
 * Exit status: that one, or 1.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admit_unread.h"
#include "base/esc.h"
#include "base/num.h"
#include "direct.h"
#include "gate.h"
#include "half.h"
#include "source.h"
#include "ssh/oneshot.h"
#include "sys/file.h"

#define NAME "postern-backup-gate"
#define PATH_ROOM 4096
#define ROOTS_MAX (1u << 24)

struct admit {
	const char *dir, *nice, *ionice, *bwlimit;
	int leash;
	pid_t sshd;		/* our parent: the login shell executed us */
};

static int
parse(char **argv, struct admit *a, struct err *e)
{
	const struct { const char *name, **at; } rows[] = {
		{ "--dir", &a->dir }, { "--nice", &a->nice },
		{ "--ionice", &a->ionice }, { "--bwlimit", &a->bwlimit } };
	size_t i;

	for (; *argv != NULL; argv += 2) {
		for (i = 0; i < 4 && strcmp(*argv, rows[i].name) != 0; i++)
			continue;
		if (i == 4 || argv[1] == NULL)
			return err_set(e, ERR_USAGE, "argument '%s'", *argv);
		*rows[i].at = argv[1];
	}
	return a->dir != NULL ? 0 : err_set(e, ERR_USAGE, "--dir is needed");
}

static int
path_of(const struct admit *a, const char *name, char out[PATH_ROOM],
    struct err *e)
{
	int n = snprintf(out, PATH_ROOM, "%s%s", a->dir, name);

	if (n < 0 || n >= PATH_ROOM)
		return err_set(e, ERR_USAGE, "--dir: too long");
	return 0;
}

static int
read_roots(const struct admit *a, struct strv *roots, struct err *e)
{
	char path[PATH_ROOM], *line, *next;
	struct buf b;
	int rc = -1;

	buf_init(&b, ROOTS_MAX);
	if (path_of(a, SOURCE_ROOTS, path, e) == 0 &&
	    file_read(path, &b, e) == 0)
		rc = 0;
	for (line = b.data; rc == 0 && *line != '\0'; line = next) {
		next = strchrnul(line, '\n');
		if (*next != '\0')
			*next++ = '\0';
		if (strv_add(roots, line) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
	}
	buf_clear(&b);
	return rc;
}

/* Ours instead of the other side's: the smaller one counts. */
static int
limit(const struct admit *a, const struct strv *from, struct strv *to,
    struct err *e)
{
	static const char option[] = "--bwlimit=";
	uint64_t ours = 0, theirs = 0;
	size_t i;
	int rc = 0;

	if (a->bwlimit != NULL && num_u64(a->bwlimit, "--bwlimit", 1,
	    999999999, &ours, e) == -1)
		return -1;
	for (i = 0; rc == 0 && i < from->n; i++) {
		const char *w = from->v[i];

		if (ours > 0 && strncmp(w, option, sizeof(option) - 1) == 0) {
			if (num_u64(w + sizeof(option) - 1, option, 1,
			    999999999, &theirs, e) == -1)
				return -1;
			continue;
		}
		if (ours > 0 && strcmp(w, ".") == 0) {
			rc = strv_addf(to, "%s%llu", option, (unsigned long
			    long)(theirs > 0 && theirs < ours ? theirs :
			    ours));
			ours = 0;
		}
		if (rc == 0)
			rc = strv_add(to, w);
	}
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

/* The argv of postern-backup-send. */
static int
make_argv(const struct admit *a, struct strv *out, struct err *e)
{
	const char *command = getenv("SSH_ORIGINAL_COMMAND");
	struct strv roots = { 0 }, asked = { 0 };
	char program[PATH_ROOM], grants[PATH_ROOM];
	int rc = -1;

	if (command == NULL)
		return err_set(e, ERR_REFUSED, "refused: no command");
	if (read_roots(a, &roots, e) == -1 ||
	    gate_parse(command, strlen(command), &roots, &asked, e) == -1 ||
	    half_program("postern-backup-send", program, sizeof(program),
	    e) == -1 || path_of(a, SOURCE_GRANTS, grants, e) == -1)
		goto out;
	rc = strv_add(out, program);
	if (a->nice != NULL)
		rc |= strv_add(out, "--nice") | strv_add(out, a->nice);
	if (a->ionice != NULL)
		rc |= strv_add(out, "--ionice") | strv_add(out, a->ionice);
	rc |= strv_add(out, "--grants") | strv_add(out, grants);
	rc |= strv_add(out, "--sender") | strv_add(out, "--");
	if (rc != 0)
		rc = err_set(e, ERR_MEM, "out of memory");
	else
		rc = limit(a, &asked, out, e);
out:
	strv_clear(&roots);
	strv_clear(&asked);
	return rc;
}

/* --- beside it --- */

/* said: its stderr. */
static pid_t
start(const struct strv *argv, int said, struct err *e)
{
	pid_t pid = fork();

	if (pid == -1)
		err_sys(e, "fork");
	/* On both sides: whoever comes first, the leash may be cut by then,
	 * and who kills the group must find it. */
	if (pid > 0)
		setpgid(pid, pid);
	if (pid != 0)
		return pid;
	setpgid(0, 0);
	dup2(said, STDERR_FILENO);
	execv(argv->v[0], argv->v);
	err_sys(e, "run %s", argv->v[0]);
	dprintf(STDERR_FILENO, NAME ": %s\n", e->msg);
	_exit(1);
}

/* Until the jail is over, or the leash is cut. The exit status. */
static int
watch(const struct admit *a, pid_t pid, struct admit_unread *u)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0;
	struct pollfd p[3] = { { .fd = a->leash, .events = POLLIN },
		{ .fd = pidfd, .events = POLLIN }, { .events = POLLIN } };
	siginfo_t over;
	bool cut = false;
	char line[16];
	int n, rc;

	/* Both streams are the jail's alone. */
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	while (!cut) {
		p[2].fd = u->fd;
		n = poll(p, 3, -1);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 || pidfd == -1)
			break;
		if (p[2].revents != 0)
			admit_unread_read(u);
		if (p[1].revents != 0)
			break;
		cut = p[0].revents != 0;
	}
	if (cut || pidfd == -1)
		kill(-pid, SIGKILL);
	/* Its number is nobody else's until it is reaped. */
	while (waitid(P_PID, (id_t)pid, &over, WEXITED | WNOWAIT) == -1 &&
	    errno == EINTR)
		continue;
	kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	/* The session would go on without us, for as long as the other side
	 * likes. */
	if (cut && getppid() == a->sshd)
		kill(a->sshd, SIGKILL);
	/* The store is not asked how it went. */
	rc = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	    WEXITSTATUS(status);
	rc = admit_unread_judge(u, a->dir, a->leash, rc);
	n = snprintf(line, sizeof(line), DIRECT_RC "%d\n", rc);
	(void)send(a->leash, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	return rc;
}

static int
fail(const struct admit *a, const struct err *e)
{
	struct buf line;

	buf_init(&line, 4 * ERR_MSG_MAX);
	if (esc_text(&line, e->msg, strlen(e->msg)) == 0 &&
	    buf_addc(&line, '\n') == 0) {
		dprintf(STDERR_FILENO, NAME ": %s", line.data);
		if (a->leash != -1)
			(void)send(a->leash, line.data, line.len,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	buf_clear(&line);
	return 1;
}

int
main(int argc, char **argv)
{
	const struct rlimit none = { 0, 0 };
	struct admit a = { .leash = -1, .sshd = getppid() };
	struct admit_unread u = { .fd = -1 };
	struct strv words = { 0 };
	struct err e = ERR_INIT;
	char meet[PATH_ROOM];
	int said = -1, rc;
	pid_t pid;

	if (argc < 1 || parse(argv + 1, &a, &e) == -1)
		return fail(&a, &e);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 ||
	    setrlimit(RLIMIT_CORE, &none) == -1) {
		err_sys(&e, "prctl");
		return fail(&a, &e);
	}
	if (a.sshd == 1 || getppid() != a.sshd)
		return 1;
	if (path_of(&a, SOURCE_MEET, meet, &e) == -1)
		return fail(&a, &e);
	/* First: a command that is refused has been a session, too. */
	a.leash = oneshot_join(meet, &e);
	if (a.leash == -1 || make_argv(&a, &words, &e) == -1 ||
	    admit_unread_open(&u, &said, &e) == -1)
		return fail(&a, &e);
	u.in_place = strv_has(&words, "--inplace");
	pid = start(&words, said, &e);
	close(said);
	strv_clear(&words);
	rc = pid == -1 ? fail(&a, &e) : watch(&a, pid, &u);
	admit_unread_clear(&u);
	return rc;
}
