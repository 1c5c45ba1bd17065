/* SPDX-License-Identifier: ISC */
#include "pushstate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/lock.h"

#define PATH	4096
#define TEMP	".postern."	/* as file_write() begins its names */

/* Of the blocks that it has. */
static bool
room(const struct stat *st, size_t len)
{
	size_t block = (size_t)st->st_blksize, has = (size_t)st->st_size;

	return has > 0 && len <= (has + block - 1) / block * block;
}

/* The caller has said why that is tried. */
static int
in_place(const char *path, const char *text, size_t len)
{
	struct stat st;
	int fd, rc = -1;

	fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && room(&st, len) &&
	    pwrite(fd, text, len, 0) == (ssize_t)len &&
	    ftruncate(fd, (off_t)len) == 0 && fsync(fd) == 0)
		rc = 0;
	close(fd);
	return rc;
}

int
pushstate_write(const char *path, const char *text, size_t len,
    struct err *e)
{
	struct err why = ERR_INIT;

	if (file_write(path, text, len, 0600, NULL, &why) == 0)
		return 0;
	if ((why.sys_errno == ENOSPC || why.sys_errno == EDQUOT) &&
	    in_place(path, text, len) == 0)
		return 0;
	if (e != NULL)
		*e = why;
	return -1;
}

int
pushstate_put(const char *dir, const char *name, const char *text,
    size_t len, unsigned wait_ms, struct err *e)
{
	char lock[PATH], path[PATH];
	int fd, rc;

	if (snprintf(lock, PATH, "%s/" PUSHSTATE_LOCK, dir) >= PATH ||
	    snprintf(path, PATH, "%s/%s", dir, name) >= PATH)
		return err_set(e, ERR_CONFIG, "%s: too long", dir);
	if (lock_take(lock, wait_ms, &fd, e) == -1)
		return -1;
	rc = pushstate_write(path, text, len, e);
	close(fd);
	return rc;
}

void
pushstate_sweep(const char *dir)
{
	struct dirent *d;
	DIR *at = opendir(dir);

	if (at == NULL)
		return;
	while ((d = readdir(at)) != NULL)
		if (strncmp(d->d_name, TEMP, sizeof(TEMP) - 1) == 0)
			(void)unlinkat(dirfd(at), d->d_name, 0);
	closedir(at);
}
