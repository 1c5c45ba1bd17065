/* SPDX-License-Identifier: ISC */
#include "say.h"

#include <errno.h>
#include <string.h>
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
