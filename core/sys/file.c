/* SPDX-License-Identifier: ISC */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_NAME_MAX	40	/* bytes of a temporary name, with the NUL */

/* The folder of path as an fd, and the name in it (borrowed from path). */
static int
open_folder(const char *path, const char **ret_name, struct err *e)
{
	struct buf dir;
	const char *slash = strrchr(path, '/');
	int fd;

	*ret_name = slash != NULL ? slash + 1 : path;
	if (**ret_name == '\0') {
		err_set(e, ERR_UNSAFE, "%s: not the name of a file", path);
		return -1;
	}
	buf_init(&dir, 4096);
	if (slash == NULL ? buf_addc(&dir, '.') == -1 :
	    buf_add(&dir, path, (size_t)(slash - path) + 1) == -1) {
		err_set(e, ERR_MEM, "%s: name too long or out of memory",
		    path);
		buf_clear(&dir);
		return -1;
	}
	fd = open(dir.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		err_sys(e, "%s", dir.data);
	buf_clear(&dir);
	return fd;
}

static int
temp_name(char name[TEMP_NAME_MAX], struct err *e)
{
	uint64_t r;

	if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return err_sys(e, "getrandom");
	snprintf(name, TEMP_NAME_MAX, ".postern.%016llx",
	    (unsigned long long)r);
	return 0;
}

static int
write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, data, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Whether fd holds exactly len bytes of data; errno is 0 if it differs. */
static bool
holds(int fd, const char *data, size_t len)
{
	char chunk[8192];
	size_t at = 0;
	ssize_t n;

	while ((n = pread(fd, chunk, sizeof(chunk), (off_t)at)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		if ((size_t)n > len - at ||
		    memcmp(chunk, data + at, (size_t)n) != 0)
			break;
		at += (size_t)n;
	}
	errno = 0;
	return n == 0 && at == len;
}

/* Link name in dirfd to backup, in place of what backup was. */
static int
keep_backup(int dirfd, const char *name, const char *backup, struct err *e)
{
	char temp[TEMP_NAME_MAX];
	const char *bname;
	int bfd, rc = -1;

	bfd = open_folder(backup, &bname, e);
	if (bfd == -1)
		return -1;
	if (temp_name(temp, e) == -1)
		goto out;
	/* link(2) never replaces, so it takes a second name and a rename. */
	if (linkat(dirfd, name, bfd, temp, 0) == -1) {
		if (errno == ENOENT)
			rc = 0;		/* nothing there to keep */
		else
			err_sys(e, "%s: backup", backup);
		goto out;
	}
	if (renameat(bfd, temp, bfd, bname) == -1) {
		err_sys(e, "%s: backup", backup);
		unlinkat(bfd, temp, 0);
		goto out;
	}
	/* A rename between two links to one file does nothing at all. */
	unlinkat(bfd, temp, 0);
	if (fsync(bfd) == -1) {
		err_sys(e, "%s: fsync of its folder", backup);
		goto out;
	}
	rc = 0;
out:
	close(bfd);
	return rc;
}

/* Fill the new file behind fd, and make sure that it is on the disk. */
static int
fill(int fd, const char *path, const void *data, size_t len, mode_t mode,
    struct err *e)
{
	if (write_all(fd, data, len) == -1)
		return err_sys(e, "%s: write", path);
	if (fchmod(fd, mode) == -1)
		return err_sys(e, "%s: chmod", path);
	if (fsync(fd) == -1)
		return err_sys(e, "%s: fsync", path);
	if (!holds(fd, data, len)) {
		if (errno == 0)
			errno = EIO;
		return err_sys(e, "%s: reading back what was written", path);
	}
	return 0;
}

int
file_write(const char *path, const void *data, size_t len, mode_t mode,
    const char *backup, struct err *e)
{
	char temp[TEMP_NAME_MAX] = "";
	const char *name;
	int dirfd, fd = -1, rc = -1;
	struct stat st;

	dirfd = open_folder(path, &name, e);
	if (dirfd == -1)
		return -1;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!S_ISREG(st.st_mode)) {
			err_set(e, ERR_UNSAFE, "%s: %s", path,
			    S_ISLNK(st.st_mode) ? "is a symbolic link" :
			    "not a regular file");
			goto out;
		}
	} else if (errno != ENOENT) {
		err_sys(e, "%s", path);
		goto out;
	}
	if (temp_name(temp, e) == -1)
		goto out;
	fd = openat(dirfd, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1) {
		err_sys(e, "%s: a new file beside it", path);
		temp[0] = '\0';
		goto out;
	}
	if (fill(fd, path, data, len, mode, e) == -1)
		goto out;
	if (backup != NULL && keep_backup(dirfd, name, backup, e) == -1)
		goto out;
	if (renameat(dirfd, temp, dirfd, name) == -1) {
		err_sys(e, "%s: rename", path);
		goto out;
	}
	temp[0] = '\0';
	if (fsync(dirfd) == -1) {
		err_sys(e, "%s: written, but fsync of its folder failed",
		    path);
		goto out;
	}
	rc = 0;
out:
	if (temp[0] != '\0')
		unlinkat(dirfd, temp, 0);
	if (fd != -1)
		close(fd);
	close(dirfd);
	return rc;
}

/*
 * The next part of the path at *s into part (NAME_MAX + 1 bytes); *s moves
 * to the part after it. 1, 0 at the end, -1 when it is too long.
 */
static int
next_part(const char **s, char part[256])
{
	const char *p = *s + strspn(*s, "/");
	size_t n = strcspn(p, "/");

	if (n == 0)
		return 0;
	if (n > 255)
		return -1;
	memcpy(part, p, n);
	part[n] = '\0';
	*s = p + n + strspn(p + n, "/");
	return 1;
}

/* Bytes of path up to rest, without the slashes between the two. */
static size_t
upto(const char *path, const char *rest)
{
	size_t len = (size_t)(rest - path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	return len;
}

/* Open the folder part of dirfd, making it with mode where it is missing. */
static int
enter(int dirfd, const char *part, mode_t mode)
{
	int fd;

	fd = openat(dirfd, part, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1 || errno != ENOENT)
		return fd;
	if (mkdirat(dirfd, part, mode) == -1) {
		if (errno != EEXIST)
			return -1;
		return openat(dirfd, part, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	/* The umask has no say in it. */
	fd = openat(dirfd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd != -1 && fchmod(fd, mode) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

int
file_mkdirs(const char *path, mode_t mode, struct err *e)
{
	const char *rest = path;
	char part[256];
	int dirfd, fd, more;

	dirfd = open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY |
	    O_CLOEXEC);
	if (dirfd == -1)
		return err_sys(e, "%s", path);
	while ((more = next_part(&rest, part)) == 1) {
		fd = enter(dirfd, part, *rest == '\0' ? mode : 0755);
		close(dirfd);
		if (fd == -1 && errno == ENOTDIR)
			return err_set(e, ERR_UNSAFE, "%.*s: not a folder",
			    (int)upto(path, rest), path);
		if (fd == -1)
			return err_sys(e, "%.*s", (int)upto(path, rest),
			    path);
		dirfd = fd;
	}
	close(dirfd);
	if (more == -1) {
		errno = ENAMETOOLONG;
		return err_sys(e, "%s", path);
	}
	return 0;
}

/* st: of the first len bytes of path; left: how many parts follow, 2 for
 * two or more. */
static int
check_part(const struct stat *st, const char *path, size_t len, int left,
    struct err *e)
{
	bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0;

	if (S_ISLNK(st->st_mode))
		return err_set(e, ERR_UNSAFE, "%.*s: is a symbolic link",
		    (int)len, path);
	if (st->st_uid != 0)
		return err_set(e, ERR_UNSAFE,
		    "%.*s: belongs to uid %lu, not to root", (int)len, path,
		    (unsigned long)st->st_uid);
	if ((st->st_mode & 022) != 0 && !(sticky && left >= 2))
		return err_set(e, ERR_UNSAFE,
		    "%.*s: others than root may write to it (mode %04o)",
		    (int)len, path, (unsigned)(st->st_mode & 07777));
	return 0;
}

/* How many parts s has; 2 stands for two or more. */
static int
parts_left(const char *s)
{
	s += strcspn(s, "/");
	s += strspn(s, "/");
	return *s == '\0' ? 1 : 2;
}

int
file_root_only(const char *path, struct err *e)
{
	const char *rest = path;
	int dirfd = -1, fd, more, rc = -1, left;
	char part[256];
	struct stat st;
	size_t len = 1;

	if (*path != '/')
		return err_set(e, ERR_UNSAFE, "%s: not an absolute path",
		    path);
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (rest += strspn(rest, "/");;) {
		if (fd == -1 || fstat(fd, &st) == -1) {
			err_sys(e, "%.*s", (int)len, path);
			goto out;
		}
		left = *rest == '\0' ? 0 : parts_left(rest);
		if (check_part(&st, path, len, left, e) == -1)
			goto out;
		more = next_part(&rest, part);
		if (more == 0)
			break;
		len = upto(path, rest);
		if (more == -1) {
			errno = ENAMETOOLONG;
			err_sys(e, "%s", path);
			goto out;
		}
		if (strcmp(part, "..") == 0) {
			err_set(e, ERR_UNSAFE, "%s: has a '..' in it", path);
			goto out;
		}
		if (dirfd != -1)
			close(dirfd);
		dirfd = fd;
		fd = openat(dirfd, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	rc = 0;
out:
	if (fd != -1)
		close(fd);
	if (dirfd != -1)
		close(dirfd);
	return rc;
}
