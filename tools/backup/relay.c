/* SPDX-License-Identifier: ISC */
/*
 * postern-backup-relay: what the receiving rsync runs as --rsh: HOST COMMAND…
 * HOST does not matter. Over the socket at descriptor 3 it sends one message
 * with its stdin and stdout (SCM_RIGHTS, in this order), and the words of
 * COMMAND with a space between them, as ssh(1) would send them, in at most
 * COMMAND_MAX bytes. Then it closes both, and waits
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
#define COMMAND_MAX 4096	/* gate.h's GATE_MAX */

/* -1: it is longer. */
static int
join(char *out, char **words)
{
	size_t n = 0, len;

	for (; *words != NULL; words++) {
		len = strlen(*words);
		if (len >= COMMAND_MAX - n)
			return -1;
		memcpy(out + n, *words, len);
		n += len;
		out[n++] = ' ';
	}
	return n > 0 ? (int)n - 1 : 0;
}

static int
send_both(char *text, size_t len)
{
	const int fds[2] = { STDIN_FILENO, STDOUT_FILENO };
	union {
		char space[CMSG_SPACE(sizeof(fds))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { .iov_base = text, .iov_len = len };
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
	return n == (ssize_t)len ? 0 : -1;
}

int
main(int argc, char **argv)
{
	static const char longer[] = "rsync: the command for the other side "
		"is longer than 4096 bytes: fewer or shorter roots\n";
	char text[1 + COMMAND_MAX] = "F";
	unsigned char rc;
	ssize_t n;
	int len;

	len = argc > 2 ? join(text + 1, argv + 2) : 0;
	if (len == -1) {
		(void)!write(STDERR_FILENO, longer, sizeof(longer) - 1);
		return STREAM_BROKEN;
	}
	if (send_both(text, 1 + (size_t)len) == -1)
		return STREAM_BROKEN;
	/* What we kept open would never come to its end. */
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	do
		n = read(RELAY_FD, &rc, 1);
	while (n == -1 && errno == EINTR);
	return n == 1 ? rc : STREAM_BROKEN;
}
