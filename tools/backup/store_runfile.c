/* SPDX-License-Identifier: ISC */
/* The file of store_runs.h: what touches the disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_file.h"
#include "store_runs.h"
#include "sys/lock.h"

#define FILE_NAME	"runs"
#define LOCK_NAME	"runs.lock"
#define LOCK_MS		10000
#define CHUNK		65536
#define LINE_MIN	16	/* bytes: "0 a b - 0 0 0 -" */

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

/* The last lines of the file behind fd, which has size bytes, into b, which has
 * room for STORE_RUNS_BYTES and a CHUNK; *ret is where the first whole one
 * begins. */
static int
read_last(const struct store_client *c, int fd, off_t size, struct buf *b,
    size_t *ret, struct err *e)
{
	const bool part = size > (off_t)STORE_RUNS_BYTES;
	const char *nl = NULL;
	char chunk[CHUNK];
	ssize_t n;

	if (lseek(fd, part ? size - (off_t)STORE_RUNS_BYTES : 0,
	    SEEK_SET) == -1)
		return err_sys(e, "%s/" FILE_NAME, c->admin_path);
	while (b->len < STORE_RUNS_BYTES &&
	    (n = store_file_fill(fd, chunk, sizeof(chunk))) != 0) {
		if (n == -1)
			return err_sys(e, "%s/" FILE_NAME ": read",
			    c->admin_path);
		if (buf_add(b, chunk, (size_t)n) == -1)
			return err_set(e, ERR_MEM, "out of memory");
	}
	/* Half a line at the start, since we came in the midst of it. */
	if (part)
		nl = memchr(b->data, '\n', b->len);
	*ret = nl != NULL ? (size_t)(nl - b->data) + 1 : 0;
	return 0;
}

static int
append(const struct store_client *c, int fd, const struct stat *st,
    const struct store_run *r, struct err *e)
{
	struct buf b;
	int rc = -1;
	char last;
	ssize_t n;

	buf_init(&b, STORE_RUNS_LINE + 2);
	/* A crash or a full disk tore the one before: ours begins anew. */
	if (st->st_size > 0 && pread(fd, &last, 1, st->st_size - 1) == 1 &&
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
	rc = fsync(fd) == 0 ? 0 : err_sys(e, "%s/" FILE_NAME ": fsync",
	    c->admin_path);
out:
	buf_clear(&b);
	return rc;
}

/* With the line in it, which is the last one. */
static int
trim(const struct store_client *c, int fd, struct err *e)
{
	struct buf text, stay;
	size_t from;
	struct stat st;
	int rc = -1;

	buf_init(&text, STORE_RUNS_BYTES + CHUNK);
	buf_init(&stay, STORE_RUNS_BYTES);
	if (fstat(fd, &st) == -1) {
		err_sys(e, "%s/" FILE_NAME, c->admin_path);
		goto out;
	}
	/* As yet it can't be too many. */
	if (st.st_size <= (off_t)STORE_RUNS_MAX * LINE_MIN) {
		rc = 0;
		goto out;
	}
	if (read_last(c, fd, st.st_size, &text, &from, e) == -1)
		goto out;
	if (st.st_size <= (off_t)STORE_RUNS_BYTES &&
	    !store_runs_many(text.data + from, text.len - from)) {
		rc = 0;
		goto out;
	}
	if (store_runs_trim(text.data + from, text.len - from, &stay,
	    e) == 0)
		rc = store_file_put(c->admin_fd, c->admin_path, FILE_NAME,
		    stay.data, stay.len, e);
	if (rc == -1)
		err_wrap(e, "the run is noted, but what is old of them did "
		    "not go");
out:
	buf_clear(&text);
	buf_clear(&stay);
	return rc;
}

int
store_runs_add(const struct store_client *c, const struct store_run *r,
    struct err *e)
{
	char path[640];
	int lock, fd, rc = -1;
	struct stat st;

	/* A file that is replaced must not get a line meanwhile. */
	snprintf(path, sizeof(path), "%s/" LOCK_NAME, c->admin_path);
	if (lock_take_at(c->admin_fd, LOCK_NAME, path, LOCK_MS, &lock,
	    e) == -1)
		return -1;
	fd = open_runs(c, O_RDWR | O_CREAT | O_APPEND, &st, e);
	if (fd != -1) {
		rc = append(c, fd, &st, r, e);
		if (rc == 0)
			rc = trim(c, fd, e);
		close(fd);
	}
	close(lock);
	return rc;
}

int
store_runs_read(const struct store_client *c, struct store_runs *ret,
    struct err *e)
{
	struct stat st;
	struct buf b;
	size_t from;
	int fd, rc;

	if (faccessat(c->admin_fd, FILE_NAME, F_OK,
	    AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT) {
		*ret = (struct store_runs){ 0 };
		return 0;
	}
	fd = open_runs(c, O_RDONLY, &st, e);
	if (fd == -1)
		return -1;
	/* What is appended meanwhile may be read or not. */
	buf_init(&b, STORE_RUNS_BYTES + CHUNK);
	rc = read_last(c, fd, st.st_size, &b, &from, e);
	if (rc == 0)
		rc = store_runs_parse(b.data + from, b.len - from, ret, e);
	buf_clear(&b);
	close(fd);
	return rc;
}
