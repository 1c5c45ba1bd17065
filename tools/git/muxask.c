/* SPDX-License-Identifier: ISC */
#include "muxask.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "muxmsg.h"

struct muxask {
	int sock;
	struct loop_fd *watch;
	enum muxask_state state;
	bool exited;		/* there is a status */
	uint32_t status;
	struct buf in;
	struct muxask_spec spec;
};

static int
connect_to(const char *path, uint64_t wait_ms, struct err *e)
{
	struct timeval tv = { .tv_sec = (time_t)(wait_ms / 1000),
		.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000) };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd;

	if (len >= sizeof(to.sun_path))
		return err_set(e, ERR_PEER, "%s: too long for a socket", path);
	memcpy(to.sun_path, path, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(e, "socket");
	/* Also of connect(2), when more wait than the master has room for. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == 0 &&
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	err_set(e, ERR_PEER, "%s: %s", path, strerror(errno));
	close(fd);
	return -1;
}

/* All of it: what waits for the master is less than a socket has room for. */
static int
say(int sock, const struct buf *out)
{
	return send(sock, out->data, out->len, MSG_NOSIGNAL) ==
	    (ssize_t)out->len ? 0 : -1;
}

static int
greet(int sock, struct err *e)
{
	struct buf out;
	int rc;

	buf_init(&out, MUXMSG_MAX);
	rc = muxmsg_hello(&out, e);
	if (rc == 0 && say(sock, &out) == -1)
		rc = err_set(e, ERR_PEER, "the master takes nothing");
	buf_clear(&out);
	return rc;
}

/* With a byte of its own. */
static int
send_fd(int sock, int fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} u = { .room = { 0 } };
	char c = 0;
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
		.msg_control = u.room, .msg_controllen = sizeof(u.room) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	return sendmsg(sock, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

/* Once, on the master's greeting. */
static bool
ask(struct muxask *m)
{
	struct buf out;
	int i, rc;

	if (m->state != MUXASK_CALLED)
		return true;
	m->state = MUXASK_ASKED;
	buf_init(&out, MUXMSG_MAX);
	rc = muxmsg_open(m->spec.command, &out, NULL);
	if (rc == 0)
		rc = say(m->sock, &out);
	buf_clear(&out);
	for (i = 0; rc == 0 && i < 3; i++)
		rc = send_fd(m->sock, m->spec.fd[i]);
	return rc == 0;
}

static void
end(struct muxask *m, enum muxask_state state)
{
	loop_fd_free(m->watch);
	m->watch = NULL;
	close(m->sock);
	m->sock = -1;
	m->state = state;
	m->spec.on_end(m->spec.arg);
}

/* The master closes when the session is over, its last byte written. */
static void
over(struct muxask *m)
{
	end(m, m->state != MUXASK_STANDS ? MUXASK_NONE :
	    m->exited ? MUXASK_EXITED : MUXASK_LOST);
}

/* One message of the master's; false: there is no use in more. */
static bool
take(struct muxask *m, const struct muxmsg *msg)
{
	switch (msg->kind) {
	case MUXMSG_HELLO:
		return ask(m);
	case MUXMSG_OPENED:
		m->state = m->state == MUXASK_ASKED ? MUXASK_STANDS :
		    m->state;
		return true;
	case MUXMSG_EXIT:
		m->exited = true;
		m->status = msg->status;
		return true;
	default:
		return msg->kind != MUXMSG_REFUSED;
	}
}

/* All that has come whole; false: as above. */
static bool
take_all(struct muxask *m)
{
	struct muxmsg msg;

	for (;;) {
		if (muxmsg_next(m->in.data, m->in.len, &msg, NULL) == -1)
			return false;
		if (msg.kind == MUXMSG_MORE)
			return true;
		buf_eat(&m->in, msg.len);
		if (!take(m, &msg))
			return false;
	}
}

static void
on_readable(void *arg, int fd, short revents)
{
	struct muxask *m = arg;
	char data[1024];
	ssize_t n;

	n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || buf_add(&m->in, data, (size_t)n) == -1 || !take_all(m))
		over(m);
}

struct muxask *
muxask_start(struct loop *l, const struct muxask_spec *spec, struct err *e)
{
	struct muxask *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	m->spec = *spec;
	buf_init(&m->in, 2 * MUXMSG_MAX);
	m->sock = connect_to(spec->path, spec->wait_ms, e);
	if (m->sock == -1 || greet(m->sock, e) == -1)
		goto out;
	m->watch = loop_fd_new(l, m->sock, POLLIN, on_readable, m, e);
	if (m->watch != NULL)
		return m;
out:
	muxask_free(m);
	return NULL;
}

enum muxask_state
muxask_state(const struct muxask *m)
{
	return m->state;
}

int
muxask_status(const struct muxask *m)
{
	return (int)(m->status & 0xff);
}

void
muxask_free(struct muxask *m)
{
	if (m == NULL)
		return;
	loop_fd_free(m->watch);
	if (m->sock != -1)
		close(m->sock);
	buf_clear(&m->in);
	free(m);
}
