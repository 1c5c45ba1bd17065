/* SPDX-License-Identifier: ISC */
#include "slurp.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
slurp_read(const char *path, struct buf *out, struct err *e)
{
	char part[4096];
	size_t room;
	ssize_t n;
	int fd, rc = 0;

	/* A FIFO or a terminal in its place doesn't hold us up. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return err_sys(e, "%s", path);
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
