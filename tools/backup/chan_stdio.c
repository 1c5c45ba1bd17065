/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <unistd.h>

#include "chan.h"

static int
take_stdio(int fds[2], struct err *e)
{
	int null, i;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null == -1)
		return err_sys(e, "/dev/null");
	for (i = 0; i < 2; i++) {
		fds[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		if (fds[i] == -1 || dup2(null, i) == -1) {
			close(null);
			return err_sys(e, "stdin and stdout");
		}
	}
	close(null);
	return 0;
}

struct chan *
chan_stdio(struct loop *l, uint64_t beat_ms, const struct chan_ops *ops,
    void *arg, struct err *e)
{
	int fds[2];

	if (take_stdio(fds, e) == -1)
		return NULL;
	return chan_new(l, fds[0], fds[1], beat_ms, ops, arg, e);
}
