/* SPDX-License-Identifier: ISC */
#include "sessions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/num.h"

#define TEXT	256		/* bytes of a session's file, with the NUL */
#define NAME	40		/* bytes of its name */
#define STAT	1024		/* bytes of /proc/PID/stat that matter */
#define STARTS	20		/* the field behind the name's ')': 22 of all */

static int
open_dir(const char *dir, struct err *e)
{
	struct stat st;
	int fd;

	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "%s", dir);
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    (st.st_mode & 022) == 0)
		return fd;
	close(fd);
	return err_set(e, ERR_UNSAFE, "%s: not this user's own folder", dir);
}

/* All of a small file into text (cap bytes, terminated); its length or -1. */
static ssize_t
slurp(int dirfd, const char *name, char *text, size_t cap)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NONBLOCK | O_NOCTTY);
	ssize_t n;

	if (fd == -1)
		return -1;
	n = read(fd, text, cap - 1);
	close(fd);
	if (n >= 0)
		text[n] = '\0';
	return n;
}

/* When the process pid was started; false: there is none. */
static bool
started(pid_t pid, uint64_t *ret)
{
	char path[64], text[STAT], *p;
	int i;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (slurp(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return false;
	/* The name may have anything in it, also ") ". */
	p = strrchr(text, ')');
	for (i = 0; p != NULL && i < STARTS; i++)
		p = strchr(p + 1, ' ');
	if (p == NULL)
		return false;
	*ret = strtoull(p + 1, &p, 10);
	return *p == ' ';
}

static bool
hex(const char *s)
{
	return strlen(s) == GITWIRE_SID - 1 &&
	    strspn(s, "0123456789abcdef") == GITWIRE_SID - 1;
}

static bool
fp_ok(const char *s)
{
	unsigned char fp[KEYLINE_FP];

	return strcmp(s, "-") == 0 || keyline_fp_parse(s, fp, NULL) == 0;
}

/* "PID.START" */
static bool
parse_name(const char *name, struct session *s)
{
	const char *dot = strchr(name, '.');
	char pid[NAME];
	uint64_t n;

	if (dot == NULL || (size_t)(dot - name) >= sizeof(pid))
		return false;
	memcpy(pid, name, (size_t)(dot - name));
	pid[dot - name] = '\0';
	if (num_u64(pid, "", 1, INT32_MAX, &n, NULL) == -1 ||
	    num_u64(dot + 1, "", 0, UINT64_MAX, &s->start, NULL) == -1)
		return false;
	s->pid = (pid_t)n;
	return true;
}

int
sessions_parse(const char *name, const char *text, size_t len,
    struct session *ret, struct err *e)
{
	char line[TEXT] = "", again[TEXT];
	struct session s = { 0 };
	int n;

	/* sscanf() wants an end. */
	if (len > 0 && len < TEXT)
		memcpy(line, text, len);
	if (len > 0 && len < TEXT && memchr(text, 0, len) == NULL &&
	    parse_name(name, &s) &&
	    sscanf(line, "v1 %50s %64s %16s", s.fp, s.id, s.sid) == 3 &&
	    gitid_valid(s.id, strlen(s.id)) && fp_ok(s.fp) && hex(s.sid)) {
		/* sscanf() is generous about blanks. */
		n = snprintf(again, sizeof(again), "v1 %s %s %s\n", s.fp,
		    s.id, s.sid);
		if ((size_t)n == len && memcmp(again, text, len) == 0) {
			*ret = s;
			return 0;
		}
	}
	return err_set(e, ERR_CONFIG, "not the file of a session");
}

/* This process's file. */
static bool
own_name(char name[NAME])
{
	uint64_t start;

	if (!started(getpid(), &start))
		return false;
	snprintf(name, NAME, "%ld.%" PRIu64, (long)getpid(), start);
	return true;
}

int
sessions_enter(const char *dir, const char *id, const char *fp,
    const char *sid, struct err *e)
{
	char text[TEXT], name[NAME], temp[NAME + 1];
	int dirfd, fd = -1, n, rc = -1;

	if (!gitid_valid(id, strlen(id)) || !fp_ok(fp) || !hex(sid))
		return err_set(e, ERR_CONFIG, "not the parts of a session");
	if (!own_name(name))
		return err_sys(e, "/proc/self/stat");
	if (mkdir(dir, 0700) == -1 && errno != EEXIST)
		return err_sys(e, "%s", dir);
	dirfd = open_dir(dir, e);
	if (dirfd == -1)
		return -1;
	n = snprintf(text, sizeof(text), "v1 %s %s %s\n", fp, id, sid);
	snprintf(temp, sizeof(temp), ".%s", name);
	fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1 || write(fd, text, (size_t)n) != n ||
	    renameat(dirfd, temp, dirfd, name) == -1) {
		err_sys(e, "%s/%s", dir, name);
		(void)unlinkat(dirfd, temp, 0);
	} else {
		rc = 0;
	}
	if (fd != -1)
		close(fd);
	close(dirfd);
	return rc;
}

void
sessions_leave(const char *dir)
{
	char path[4096], name[NAME];
	int n;

	if (!own_name(name))
		return;
	n = snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (n > 0 && (size_t)n < sizeof(path))
		(void)unlink(path);
}

struct sweep {
	int dirfd;
	sessions_keep_fn *keep;
	sessions_ended_fn *ended;
	void *arg;
	size_t n;
};

/* Whether the process that a file's name means is there; its pidfd, or -1
 * where there are none (valgrind), into *ret_pidfd. */
static bool
alive(const char *name, int *ret_pidfd)
{
	struct session s;
	uint64_t start;
	int pidfd;

	*ret_pidfd = -1;
	if (!parse_name(name, &s))
		return false;
	/* In this order: what the pidfd means can't become another process
	 * while we look when it was started. */
	pidfd = (int)syscall(SYS_pidfd_open, s.pid, 0);
	if (started(s.pid, &start) && start == s.start) {
		*ret_pidfd = pidfd;
		return true;
	}
	if (pidfd != -1)
		close(pidfd);
	return false;
}

/* Without a pidfd it might have become another one in this very moment. */
static int
term(pid_t pid, int pidfd)
{
	if (pidfd == -1)
		return kill(pid, SIGTERM);
	return (int)syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0);
}

static void
end(struct sweep *w, const struct session *s, int pidfd)
{
	if (s->pid == getpid() || w->keep(w->arg, s) ||
	    term(s->pid, pidfd) == -1)
		return;
	w->n++;
	if (w->ended != NULL)
		w->ended(w->arg, s);
}

static void
look(struct sweep *w, const char *name)
{
	bool temp = *name == '.';
	int pidfd;
	bool there = alive(name + (temp ? 1 : 0), &pidfd);
	struct session s;
	char text[TEXT];
	ssize_t n = -1;

	if (!temp && there)
		n = slurp(w->dirfd, name, text, sizeof(text));
	if (n > 0 && sessions_parse(name, text, (size_t)n, &s, NULL) == 0)
		end(w, &s, pidfd);
	else if (!temp || !there)
		(void)unlinkat(w->dirfd, name, 0);
	if (pidfd != -1)
		close(pidfd);
}

int
sessions_sweep(const char *dir, sessions_keep_fn *keep,
    sessions_ended_fn *ended, void *arg, size_t *ret_n, struct err *e)
{
	struct sweep w = { -1, keep, ended, arg, 0 };
	struct err why = ERR_INIT;
	struct dirent *de;
	DIR *d;
	int rc = 0;

	*ret_n = 0;
	w.dirfd = open_dir(dir, &why);
	if (w.dirfd == -1) {
		if (why.code == ERR_SYS && why.sys_errno == ENOENT)
			return 0;
		*e = why;
		return -1;
	}
	d = fdopendir(w.dirfd);
	if (d == NULL) {
		rc = err_sys(e, "%s", dir);
		close(w.dirfd);
		return rc;
	}
	while ((errno = 0, de = readdir(d)) != NULL)
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			look(&w, de->d_name);
	if (errno != 0)
		rc = err_sys(e, "%s", dir);
	closedir(d);
	*ret_n = w.n;
	return rc;
}
