/* SPDX-License-Identifier: ISC */
#include "store_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ACL "system.posix_acl_"

/* The names of fd's attributes, owned; *ret_len bytes. NULL: none, or
 * *e. */
static char *
names_of(int fd, size_t *ret_len, struct err *e)
{
	ssize_t n = flistxattr(fd, NULL, 0);
	char *names;

	*ret_len = 0;
	if (n == -1 && errno != EOPNOTSUPP)
		err_sys(e, "listxattr");
	if (n <= 0)
		return NULL;
	names = malloc((size_t)n);
	if (names == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	n = flistxattr(fd, names, (size_t)n);
	if (n < 0) {
		err_sys(e, "listxattr");
		free(names);
		return NULL;
	}
	*ret_len = (size_t)n;
	return names;
}

static int
copy_one(int from, int to, const char *name, struct err *e)
{
	ssize_t n = fgetxattr(from, name, NULL, 0);
	char *value;
	int rc = -1;

	if (n == -1)
		return errno == ENODATA ? 0 : err_sys(e, "getxattr %s", name);
	value = malloc(n > 0 ? (size_t)n : 1);
	if (value == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	n = fgetxattr(from, name, value, (size_t)n);
	if (n == -1 || fsetxattr(to, name, value, (size_t)n, 0) == -1)
		err_sys(e, "setxattr %s", name);
	else
		rc = 0;
	free(value);
	return rc;
}

static bool
is_acl(const char *name)
{
	return strncmp(name, ACL, sizeof(ACL) - 1) == 0;
}

/* acls: those alone, or all others. */
static int
copy_all(int from, int to, bool acls, struct err *e)
{
	struct err why = ERR_INIT;
	char *names, *s;
	size_t len;
	int rc = 0;

	names = names_of(from, &len, &why);
	if (why.code != ERR_NONE) {
		if (e != NULL)
			*e = why;
		return -1;
	}
	/* names is NULL where there are none. */
	for (s = names; rc == 0 && len > 0 && s < names + len;
	    s += strlen(s) + 1)
		if (is_acl(s) == acls)
			rc = copy_one(from, to, s, e);
	free(names);
	return rc;
}

/* What a new folder inherited from the one above. */
static void
drop_acls(int fd)
{
	(void)fremovexattr(fd, ACL "default");
	(void)fremovexattr(fd, ACL "access");
}

int
store_copy_meta(int from, const struct stat *st, int to, struct err *e)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	drop_acls(to);
	/* Attributes while it can be written to; file capabilities go with a
	 * change of owner, and a list of access changes the mode. */
	if (geteuid() == 0 && fchown(to, st->st_uid, st->st_gid) == -1)
		return err_sys(e, "chown");
	if (copy_all(from, to, false, e) == -1)
		return -1;
	if (fchmod(to, st->st_mode & 07777) == -1)
		return err_sys(e, "chmod");
	if (copy_all(from, to, true, e) == -1)
		return -1;
	return futimens(to, times) == 0 ? 0 : err_sys(e, "utimens");
}

/* From one hole to the next. */
static int
copy_data(int in, int out, off_t size, struct err *e)
{
	off_t at = 0, end, to;
	ssize_t n;

	while (at < size) {
		at = lseek(in, at, SEEK_DATA);
		end = at == -1 ? -1 : lseek(in, at, SEEK_HOLE);
		if (at == -1 && errno == ENXIO)
			break;
		if (end == -1)
			return err_sys(e, "lseek");
		for (to = at; at < end; at += n, to = at) {
			off_t from = at;

			n = copy_file_range(in, &from, out, &to,
			    (size_t)(end - at), 0);
			if (n == -1)
				return err_sys(e, "copying");
			if (n == 0)
				return err_set(e, ERR_UNSAFE, "it became "
				    "shorter while it was copied");
		}
	}
	return ftruncate(out, size) == 0 ? 0 : err_sys(e, "truncate");
}

int
store_copy_file(int from, const char *name, const struct stat *st, int to,
    struct err *e)
{
	int in, out = -1, rc = -1;
	struct stat now;

	in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	if (in == -1 || fstat(in, &now) == -1) {
		err_sys(e, "…/%.200s", name);
		goto out;
	}
	if (now.st_ino != st->st_ino || !S_ISREG(now.st_mode)) {
		err_set(e, ERR_UNSAFE, "…/%.200s: is another file by now",
		    name);
		goto out;
	}
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (out == -1)
		err_sys(e, "…/%.200s", name);
	else if (copy_data(in, out, now.st_size, e) == 0 &&
	    store_copy_meta(in, &now, out, e) == 0)
		rc = 0;
	else
		err_wrap(e, "…/%.200s", name);
out:
	if (in != -1)
		close(in);
	if (out != -1)
		close(out);
	return rc;
}
