/* SPDX-License-Identifier: ISC */
/* What comes from the jail over the relay's socket: two descriptors. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "half_priv.h"

bool
wire_is_stream(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == -1)
		return false;
	len = sizeof(int);
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    domain == AF_UNIX && type == SOCK_STREAM;
}

int
wire_fds(int ctl, int fds[2], char *text, size_t *len, pid_t *ret_pid)
{
	union {
		char space[CMSG_SPACE(sizeof(struct ucred)) +
			CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = text, .iov_len = *len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	struct cmsghdr *c;
	struct ucred who;
	ssize_t got;
	int n = 0;

	got = recvmsg(ctl, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got < 1)
		return 0;
	*len = (size_t)got;
	for (c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&who, CMSG_DATA(c), sizeof(who));
			*ret_pid = who.pid;
		} else if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_RIGHTS) {
			n = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(fds, CMSG_DATA(c), (size_t)n * sizeof(int));
		}
	}
	if ((m.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0) {
		for (; n > 0; n--)
			close(fds[n - 1]);
	}
	return n;
}
