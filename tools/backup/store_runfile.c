/* SPDX-License-Identifier: ISC */
/* The file of store_runs.h: what touches the disk. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_file.h"
#include "store_runs.h"

#define FILE_NAME	"runs"
#define READ_MAX	((size_t)4 << 20)	/* bytes that are read back */

static int
open_runs(const struct store_client *c, int flags, struct stat *st,
    struct err *e)
{
	int fd;

	fd = openat(c->admin_fd, FILE_NAME, flags | O_NOFOLLOW | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK, 0600);
	if (fd == -1 && errno == ELOOP)
		return err_set(e, ERR_UNSAFE, "%s/" FILE_NAME ": is a "
		    "symbolic link", c->admin_path);
	if (fd == -1)
		return err_sys(e, "%s/" FILE_NAME, c->admin_path);
	if (fstat(fd, st) == -1) {
		err_sys(e, "%s/" FILE_NAME, c->admin_path);
		close(fd);
		return -1;
	}
	if (!S_ISREG(st->st_mode)) {
		close(fd);
		return err_set(e, ERR_UNSAFE, "%s/" FILE_NAME ": not a "
		    "regular file", c->admin_path);
	}
	return fd;
}

int
store_runs_add(const struct store_client *c, const struct store_run *r,
    struct err *e)
{
	struct stat st;
	struct buf b;
	int fd, rc = -1;
	char last;
	ssize_t n;

	buf_init(&b, STORE_RUNS_LINE + 2);
	fd = open_runs(c, O_RDWR | O_CREAT | O_APPEND, &st, e);
	if (fd == -1)
		return -1;
	/* A crash or a full disk tore the one before: ours begins anew. */
	if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 &&
	    last != '\n' && buf_addc(&b, '\n') == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	if (store_runs_emit(r, &b, e) == -1)
		goto out;
	do
		n = write(fd, b.data, b.len);
	while (n == -1 && errno == EINTR);
	if (n != (ssize_t)b.len) {
		if (n != -1)
			errno = ENOSPC;
		err_sys(e, "%s/" FILE_NAME ": write", c->admin_path);
		goto out;
	}
	if (fsync(fd) == -1) {
		err_sys(e, "%s/" FILE_NAME ": fsync", c->admin_path);
		goto out;
	}
	rc = 0;
out:
	buf_clear(&b);
	close(fd);
	return rc;
}

int
store_runs_read(const struct store_client *c, struct store_runs *ret,
    struct err *e)
{
	const char *nl = NULL;
	char chunk[65536];
	struct stat st;
	struct buf b;
	size_t cut = 0;
	int fd, rc = -1;
	ssize_t n;

	if (faccessat(c->admin_fd, FILE_NAME, F_OK,
	    AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT) {
		*ret = (struct store_runs){ 0 };
		return 0;
	}
	fd = open_runs(c, O_RDONLY, &st, e);
	if (fd == -1)
		return -1;
	/* What is appended meanwhile may be read or not. */
	buf_init(&b, READ_MAX + sizeof(chunk));
	if (st.st_size > (off_t)READ_MAX &&
	    lseek(fd, st.st_size - (off_t)READ_MAX, SEEK_SET) == -1) {
		err_sys(e, "%s/" FILE_NAME, c->admin_path);
		goto out;
	}
	while (b.len < READ_MAX &&
	    (n = store_file_fill(fd, chunk, sizeof(chunk))) != 0) {
		if (n == -1) {
			err_sys(e, "%s/" FILE_NAME ": read", c->admin_path);
			goto out;
		}
		if (buf_add(&b, chunk, (size_t)n) == -1) {
			err_set(e, ERR_MEM, "out of memory");
			goto out;
		}
	}
	/* Half a line at the start, since we came in the midst of it. */
	if (st.st_size > (off_t)READ_MAX)
		nl = memchr(b.data, '\n', b.len);
	if (nl != NULL)
		cut = (size_t)(nl - b.data) + 1;
	rc = store_runs_parse(b.data + cut, b.len - cut, ret, e);
out:
	buf_clear(&b);
	close(fd);
	return rc;
}
