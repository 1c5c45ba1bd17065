/* SPDX-License-Identifier: ISC */
/*
 * postern-backup-relay: what the receiving rsync runs as --rsh. Its arguments
 * do not matter. Over the socket at descriptor 3 it sends one message with
 * its stdin and stdout (SCM_RIGHTS, in this order), closes both, and waits
 * there for one byte, which becomes its exit status: rsync waits for it, and
 * takes it for the status of the other end. End of file means 12, rsync's
 * "error in rsync protocol data stream": whoever should say is gone.
 *
 * So no byte of the stream passes through here. stdin is what rsync sends,
 * stdout what it receives; both are unix stream sockets, and rsync has made
 * its ends non-blocking: ours share nothing with those, but stdout is
 * O_NONBLOCK as well. Who gets the descriptors must be ready for EAGAIN, must
 * not trust that O_NONBLOCK stays as it was set (rsync could hold on to the
 * same open file), and uses MSG_DONTWAIT.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RELAY_FD 3
#define STREAM_BROKEN 12

static int
send_both(void)
{
	const int fds[2] = { STDIN_FILENO, STDOUT_FILENO };
	union {
		char space[CMSG_SPACE(sizeof(fds))];
		struct cmsghdr align;
	} control = { { 0 } };
	char byte = 'F';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	do
		n = sendmsg(RELAY_FD, &m, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == 1 ? 0 : -1;
}

int
main(void)
{
	unsigned char rc;
	ssize_t n;

	if (send_both() == -1)
		return STREAM_BROKEN;
	/* What we kept open would never come to its end. */
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	do
		n = read(RELAY_FD, &rc, 1);
	while (n == -1 && errno == EINTR);
	return n == 1 ? rc : STREAM_BROKEN;
}
