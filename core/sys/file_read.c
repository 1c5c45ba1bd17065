/* SPDX-License-Identifier: ISC */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/beneath.h"

/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
#define READ_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* The whole of fd, which is closed; path is for messages. */
static int
read_all(int fd, const char *path, struct buf *out, struct err *e)
{
	size_t start = out->len;
	char chunk[8192];
	struct stat st;
	int rc = -1;
	ssize_t n;

	if (fstat(fd, &st) == -1) {
		err_sys(e, "%s", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_CONFIG, "%s: not a regular file", path);
		goto out;
	}
	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			err_sys(e, "%s: read", path);
			goto out;
		}
		if (memchr(chunk, '\0', (size_t)n) != NULL) {
			err_set(e, ERR_CONFIG, "%s: has a NUL byte", path);
			goto out;
		}
		if ((size_t)n > out->max - out->len) {
			err_set(e, ERR_CONFIG, "%s: larger than %zu bytes",
			    path, out->max - start);
			goto out;
		}
		if (buf_add(out, chunk, (size_t)n) == -1) {
			err_set(e, ERR_MEM, "%s: out of memory", path);
			goto out;
		}
	}
	rc = 0;
out:
	if (rc == -1 && out->len > start) {
		out->len = start;
		out->data[start] = '\0';
	}
	close(fd);
	return rc;
}

int
file_read(const char *path, struct buf *out, struct err *e)
{
	int fd = open(path, READ_FLAGS);

	return fd == -1 ? err_sys(e, "%s", path) :
	    read_all(fd, path, out, e);
}

int
file_read_own(const char *path, struct buf *out, struct err *e)
{
	int fd = open(path, READ_FLAGS);
	struct stat st;

	if (fd == -1)
		return err_sys(e, "%s", path);
	if (fstat(fd, &st) == -1) {
		err_sys(e, "%s", path);
	} else if (S_ISREG(st.st_mode) && ((st.st_uid != 0 &&
	    st.st_uid != geteuid()) || (st.st_mode & 022) != 0)) {
		err_set(e, ERR_UNSAFE, "%s: others may write it (owner %u, "
		    "mode %04o); it must belong to you or root: chmod go-w",
		    path, (unsigned)st.st_uid, (unsigned)st.st_mode & 07777u);
	} else {
		return read_all(fd, path, out, e);
	}
	close(fd);
	return -1;
}

int
file_read_below(const char *dir, const char *rest, struct buf *out,
    struct err *e)
{
	size_t len = strlen(dir);
	char path[PATH_MAX];
	int top, fd, why;

	/* With a '/' behind it a link would be followed. */
	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (len >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return err_sys(e, "%s", dir);
	}
	snprintf(path, sizeof(path), "%.*s", (int)len, dir);
	top = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (top == -1)
		return errno == ENOTDIR ? err_set(e, ERR_UNSAFE, "%s: a "
		    "symbolic link, or no folder", dir) :
		    err_sys(e, "%s", dir);
	snprintf(path, sizeof(path), "%s/%s", dir, rest);
	fd = beneath_open(top, rest, READ_FLAGS, 0);
	why = errno;
	close(top);
	errno = why;
	if (fd == -1)
		return errno == ELOOP ? err_set(e, ERR_UNSAFE, "%s: a symbolic "
		    "link is in the way", path) : err_sys(e, "%s", path);
	return read_all(fd, path, out, e);
}
