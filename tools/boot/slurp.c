/* SPDX-License-Identifier: ISC */
#include "slurp.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A FIFO or a terminal in a file's place doesn't hold us up. */
#define FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* Of fd, which is closed. */
static int
take(int fd, const char *path, struct buf *out, struct err *e)
{
	char part[4096];
	size_t room;
	ssize_t n;
	int rc = 0;

	while ((room = out->max - out->len) > 0) {
		n = read(fd, part, room < sizeof(part) ? room : sizeof(part));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			rc = err_sys(e, "%s", path);
		else if (n > 0 && buf_add(out, part, (size_t)n) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
		if (n <= 0 || rc == -1)
			break;
	}
	close(fd);
	return rc;
}

int
slurp_read(const char *path, struct buf *out, struct err *e)
{
	int fd = open(path, FLAGS);

	return fd == -1 ? err_sys(e, "%s", path) : take(fd, path, out, e);
}

int
slurp_own(const char *path, struct buf *out, struct err *e)
{
	int fd = open(path, FLAGS | O_NOFOLLOW);
	struct stat st;

	if (fd == -1)
		return err_sys(e, "%s", path);
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_uid != 0) {
		close(fd);
		return err_set(e, ERR_UNSAFE, "%s: not a file of root's",
		    path);
	}
	return take(fd, path, out, e);
}
