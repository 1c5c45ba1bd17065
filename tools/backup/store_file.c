/* SPDX-License-Identifier: ISC */
#include "store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_NAME_MAX	40	/* bytes of a temporary name, with the NUL */

int
store_file_dir(int dirfd, const char *where, const char *name, int *ret_fd,
    struct err *e)
{
	struct stat st;
	int fd;

	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd != -1) {
		*ret_fd = fd;
		return 0;
	}
	/* With O_DIRECTORY a link gives ENOTDIR, as a file does. */
	if ((errno == ENOTDIR || errno == ELOOP) &&
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(e, ERR_UNSAFE, "%s/%s: %s", where, name,
		    S_ISLNK(st.st_mode) ? "is a symbolic link" :
		    "not a folder");
	return err_sys(e, "%s/%s", where, name);
}

int
store_file_mkdir(int dirfd, const char *where, const char *name, mode_t mode,
    struct err *e)
{
	int fd, made, rc = 0;

	made = mkdirat(dirfd, name, mode) == 0;
	if (!made && errno != EEXIST)
		return err_sys(e, "%s/%s", where, name);
	if (store_file_dir(dirfd, where, name, &fd, e) == -1)
		return -1;
	if (made && (fchmod(fd, mode) == -1 || fsync(dirfd) == -1))
		rc = err_sys(e, "%s/%s", where, name);
	close(fd);
	return rc;
}

int
store_file_private(int fd, const char *path, uid_t uid, mode_t mask,
    struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "%s", path);
	if (st.st_uid != uid && st.st_uid != 0)
		return err_set(e, ERR_UNSAFE, "%s: belongs to uid %lu, not to "
		    "uid %lu", path, (unsigned long)st.st_uid,
		    (unsigned long)uid);
	if ((st.st_mode & mask) != 0)
		return err_set(e, ERR_UNSAFE, "%s: others have a right to it "
		    "(mode %04o; chmod %s mends that)", path,
		    (unsigned)(st.st_mode & 07777),
		    (mask & 055) != 0 ? "go=" : "go-w");
	return 0;
}

int
store_file_write(int fd, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t
store_file_fill(int fd, void *data, size_t len)
{
	char *p = data;
	size_t at = 0;
	ssize_t n;

	while (at < len) {
		n = read(fd, p + at, len - at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		at += (size_t)n;
	}
	return (ssize_t)at;
}

int
store_file_put(int dirfd, const char *where, const char *name,
    const void *data, size_t len, struct err *e)
{
	char temp[TEMP_NAME_MAX];
	int fd, rc = -1;
	uint64_t r;

	if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return err_sys(e, "getrandom");
	snprintf(temp, sizeof(temp), ".postern.%016llx",
	    (unsigned long long)r);
	fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1)
		return err_sys(e, "%s/%s: a new file beside it", where, name);
	if (store_file_write(fd, data, len) == -1 || fsync(fd) == -1) {
		err_sys(e, "%s/%s: write", where, name);
		goto out;
	}
	if (renameat(dirfd, temp, dirfd, name) == -1) {
		err_sys(e, "%s/%s: rename", where, name);
		goto out;
	}
	temp[0] = '\0';
	if (fsync(dirfd) == -1) {
		err_sys(e, "%s/%s: written, but fsync of its folder failed",
		    where, name);
		goto out;
	}
	rc = 0;
out:
	if (temp[0] != '\0')
		unlinkat(dirfd, temp, 0);
	close(fd);
	return rc;
}

int
store_file_get(int dirfd, const char *where, const char *name,
    struct buf *out, struct err *e)
{
	size_t start = out->len;
	char chunk[8192];
	struct stat st;
	int fd, rc = -1;
	ssize_t n;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK);
	if (fd == -1 && errno == ELOOP)
		return err_set(e, ERR_UNSAFE, "%s/%s: is a symbolic link",
		    where, name);
	if (fd == -1)
		return err_sys(e, "%s/%s", where, name);
	if (fstat(fd, &st) == -1) {
		err_sys(e, "%s/%s", where, name);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_UNSAFE, "%s/%s: not a regular file", where,
		    name);
		goto out;
	}
	while ((n = store_file_fill(fd, chunk, sizeof(chunk))) > 0) {
		if ((size_t)n > out->max - out->len) {
			err_set(e, ERR_CONFIG, "%s/%s: larger than %zu bytes",
			    where, name, out->max - start);
			goto out;
		}
		if (buf_add(out, chunk, (size_t)n) == -1) {
			err_set(e, ERR_MEM, "%s/%s: out of memory", where,
			    name);
			goto out;
		}
	}
	if (n == -1) {
		err_sys(e, "%s/%s: read", where, name);
		goto out;
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
