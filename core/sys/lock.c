/* SPDX-License-Identifier: ISC */
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"

/* flock(2) has no timeout: between two tries we wait this long. */
#define REMOVED_MAX 100
#define PAUSE_MS	20

static int
open_lock(int dirfd, const char *name, const char *path, struct err *e)
{
	struct stat st;
	int fd;

	fd = openat(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK, 0600);
	if (fd == -1 && errno == ELOOP)
		return err_set(e, ERR_UNSAFE, "%s: is a symbolic link", path);
	if (fd == -1 && (errno == EISDIR || errno == ENXIO))
		return err_set(e, ERR_UNSAFE, "%s: not a regular file", path);
	if (fd == -1)
		return err_sys(e, "%s", path);
	if (fstat(fd, &st) == -1) {
		err_sys(e, "%s", path);
		close(fd);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(e, ERR_UNSAFE, "%s: not a regular file", path);
	}
	return fd;
}

/* Whether name in dirfd still names the file behind fd: 1, 0, -1. */
static int
in_place(int dirfd, const char *name, const char *path, int fd,
    struct err *e)
{
	struct stat a, b;

	if (fstat(fd, &a) == -1)
		return err_sys(e, "%s", path);
	if (fstatat(dirfd, name, &b, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : err_sys(e, "%s", path);
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int
busy(const char *path, int fd, struct err *e)
{
	long pid = 0;
	char text[16];
	ssize_t n, i;

	n = pread(fd, text, sizeof(text), 0);
	for (i = 0; i < n && i < 10 && text[i] >= '0' && text[i] <= '9'; i++)
		pid = pid * 10 + (text[i] - '0');
	/* Not yet, or not by us, written: then it says nothing. */
	if (i >= n || text[i] != '\n' || pid == 0)
		return err_set(e, ERR_BUSY, "%s: held by another process",
		    path);
	return err_set(e, ERR_BUSY, "%s: held by process %ld", path, pid);
}

/* The pid is only what a message shows: a full disk is no reason to fail. */
static void
record_pid(int fd)
{
	char text[16];
	int n;

	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, (size_t)n, 0) != n)
		return;
}

int
lock_take(const char *path, unsigned timeout_ms, int *ret_fd, struct err *e)
{
	return lock_take_at(AT_FDCWD, path, path, timeout_ms, ret_fd, e);
}

int
lock_take_at(int dirfd, const char *name, const char *path,
    unsigned timeout_ms, int *ret_fd, struct err *e)
{
	static const struct timespec pause = { 0, PAUSE_MS * 1000000l };
	uint64_t end = clock_ms() + timeout_ms;
	int fd = -1, same, removed = 0;

	for (;;) {
		if (fd == -1)
			fd = open_lock(dirfd, name, path, e);
		if (fd == -1)
			return -1;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			same = in_place(dirfd, name, path, fd, e);
			if (same == 1)
				break;
			close(fd);
			fd = -1;
			if (same == -1)
				return -1;
			/* Someone removed it: ours would exclude nobody. */
			if (++removed < REMOVED_MAX)
				continue;
			return err_set(e, ERR_BUSY, "%s: someone keeps "
			    "removing it", path);
		}
		if (errno != EWOULDBLOCK && errno != EINTR) {
			err_sys(e, "%s: flock", path);
			close(fd);
			return -1;
		}
		if (clock_ms() >= end) {
			busy(path, fd, e);
			close(fd);
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	record_pid(fd);
	*ret_fd = fd;
	return 0;
}
