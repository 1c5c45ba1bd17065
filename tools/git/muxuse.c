/* SPDX-License-Identifier: ISC */
#include "muxuse.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "sys/file.h"

#define USED	"%u.used"
#define PATH	4096

int
muxuse_join(const char *run_dir, unsigned k)
{
	char path[PATH];
	int fd, n;

	n = snprintf(path, sizeof(path), "%s/mux/" USED, run_dir, k);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -1;
	fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || flock(fd, LOCK_SH | LOCK_NB) == 0)
		return fd;
	close(fd);
	return -1;
}

int
muxuse_open(int dir, unsigned k, int *ret_fd, struct err *e)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), USED, k);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1)
		return err_sys(e, "%s", name);
	*ret_fd = fd;
	return 0;
}

bool
muxuse_alone(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

void
muxuse_let(int fd)
{
	(void)flock(fd, LOCK_UN);
}
