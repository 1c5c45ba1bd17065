/* SPDX-License-Identifier: ISC */
#include "gitslot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MINUTE_NS	UINT64_C(60000000000)
#define RATE_AT		((off_t)8)	/* locked while the rate is read */
#define SLOTS		((off_t)16)

bool
gitslot_turn(uint64_t *due_ns, uint64_t now_ns, uint64_t per_minute)
{
	uint64_t due = *due_ns;

	/* An empty file; or what no run of ours can have written. */
	if (due < now_ns || due > now_ns + MINUTE_NS)
		due = now_ns;
	if (due + MINUTE_NS / per_minute > now_ns + MINUTE_NS)
		return false;
	*due_ns = due + MINUTE_NS / per_minute;
	return true;
}

static int
open_at(int dirfd, const char *name, struct err *e)
{
	struct stat st;
	int fd;

	fd = openat(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK, 0600);
	if (fd == -1 || fstat(fd, &st) == -1) {
		err_sys(e, "slots of '%s'", name);
		if (fd != -1)
			close(fd);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(e, ERR_UNSAFE, "slots of '%s': not a regular "
		    "file", name);
	}
	return fd;
}

static int
lock_byte(int fd, off_t at, bool wait)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = at, .l_len = 1 };

	return fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &l);
}

static int
unlock_byte(int fd, off_t at)
{
	struct flock l = { .l_type = F_UNLCK, .l_whence = SEEK_SET,
		.l_start = at, .l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &l);
}

static int
who(const char *name, const char *what, int64_t n, struct err *e)
{
	if (strcmp(name, GITSLOT_ALL) == 0)
		return err_set(e, ERR_BUSY, "%lld sessions %s, which is the "
		    "limit here; try again later", (long long)n, what);
	return err_set(e, ERR_BUSY, "'%s' has %lld sessions %s, which is the "
	    "limit; try again later", name, (long long)n, what);
}

static int
take_slot(int fd, const char *name, int64_t n, struct err *e)
{
	int64_t i;

	for (i = 0; i < n; i++) {
		if (lock_byte(fd, SLOTS + i, false) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES)
			return err_sys(e, "slots of '%s'", name);
	}
	return who(name, "at once", n, e);
}

/* The lock is held for the time of one read and one write. */
static int
take_turn(int fd, const char *name, int64_t per_minute, struct err *e)
{
	struct timespec ts;
	uint64_t due = 0, now;
	bool ok;

	if (lock_byte(fd, RATE_AT, true) == -1)
		return err_sys(e, "slots of '%s'", name);
	clock_gettime(CLOCK_BOOTTIME, &ts);
	now = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	if (pread(fd, &due, sizeof(due), 0) != (ssize_t)sizeof(due))
		due = 0;
	ok = gitslot_turn(&due, now, (uint64_t)per_minute);
	if (ok && pwrite(fd, &due, sizeof(due), 0) != (ssize_t)sizeof(due)) {
		err_sys(e, "slots of '%s'", name);
		unlock_byte(fd, RATE_AT);
		return -1;
	}
	unlock_byte(fd, RATE_AT);
	return ok ? 0 : who(name, "a minute", per_minute, e);
}

int
gitslot_take(int dirfd, const char *name, int64_t at_once,
    int64_t per_minute, int *ret_fd, struct err *e)
{
	int fd;

	if (at_once == 0 && per_minute == 0) {
		*ret_fd = -1;
		return 0;
	}
	fd = open_at(dirfd, name, e);
	if (fd == -1)
		return -1;
	if ((at_once > 0 && take_slot(fd, name, at_once, e) == -1) ||
	    (per_minute > 0 && take_turn(fd, name, per_minute, e) == -1)) {
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}
