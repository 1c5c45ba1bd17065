/* SPDX-License-Identifier: ISC */
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/esc.h"

int
say_bytes(int fd, const char *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
say_line(int fd, struct buf *b)
{
	int rc = -1;

	if (buf_addc(b, '\n') == 0)
		rc = say_bytes(fd, b->data, b->len);
	buf_clear(b);
	return rc;
}

/* O_NONBLOCK would be for all who have this terminal or pipe open: so it is
 * opened once more. */
static int
open_again(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void
say_now(int fd, struct buf *b)
{
	struct stat st;
	int now;

	if (buf_addc(b, '\n') == -1 || fstat(fd, &st) == -1) {
		buf_clear(b);
		return;
	}
	if (S_ISREG(st.st_mode)) {
		(void)say_bytes(fd, b->data, b->len);
	} else if (S_ISSOCK(st.st_mode)) {
		(void)send(fd, b->data, b->len, MSG_DONTWAIT | MSG_NOSIGNAL);
	} else if ((now = open_again(fd)) != -1) {
		(void)say_bytes(now, b->data, b->len);
		close(now);
	}
	buf_clear(b);
}

int
say_err(const char *program, const struct err *e)
{
	struct buf b;

	/* Of what a byte can become at most. */
	buf_init(&b, 4 * ERR_MSG_MAX + 64);
	if (buf_addf(&b, "%s: ", program) == 0 &&
	    esc_text(&b, e->msg, strlen(e->msg)) == 0)
		(void)say_line(STDERR_FILENO, &b);
	buf_clear(&b);
	return err_exit(e->code);
}
