/* SPDX-License-Identifier: ISC */
#include "proc/relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "proc/spawn.h"

#define HIGH_WATER ((size_t)65536)
#define CHUNK 16384

struct relay {
	int fd;
	struct loop_fd *watch;
	struct child *child;	/* NULL: over */
	struct buf back;	/* from the child, waits for the socket */
	bool in_over;		/* nothing more goes to the child */
	bool out_eof;		/* nothing more comes from the child */
	bool out_over;		/* and the socket was told */
	bool ended;
	struct relay_end count;
	relay_end_fn *on_end;
	void *arg;
	unsigned busy;
	bool dead;
};

static void
enter(struct relay *r)
{
	r->busy++;
}

static void
leave(struct relay *r)
{
	if (--r->busy > 0 || !r->dead)
		return;
	buf_clear(&r->back);
	free(r);
}

static void
broken(struct relay *r, int why)
{
	if (r->count.sys_errno == 0)
		r->count.sys_errno = why;
	r->in_over = r->out_over = true;
	buf_clear(&r->back);
}

/* Everything that follows from the present state: what is polled, whether
 * the child is read, and whether this is the end. */
static void
settle(struct relay *r)
{
	short events = 0;

	if (r->ended || r->dead)
		return;
	if (r->out_eof && r->back.len == 0 && !r->out_over) {
		r->out_over = true;
		if (shutdown(r->fd, SHUT_WR) == -1 && errno != ENOTCONN)
			broken(r, errno);
	}
	if (r->child == NULL)
		r->in_over = true;
	if (r->child != NULL)
		child_pause(r->child, r->back.len > 0);
	if (r->in_over && r->out_over) {
		r->ended = true;
		loop_fd_pause(r->watch, 1);
		r->on_end(r->arg, &r->count);
		return;
	}
	if (!r->in_over && child_queued(r->child) < HIGH_WATER)
		events |= POLLIN;
	if (r->back.len > 0)
		events |= POLLOUT;
	loop_fd_events(r->watch, events);
	/* A reset is reported even when nothing is asked for; a peer that is
	 * through both ways would be, too, over and over. */
	loop_fd_pause(r->watch, events == 0);
}

/* What the socket takes of data now; len when the rest is void. */
static size_t
offer(struct relay *r, const char *data, size_t len)
{
	size_t off = 0;
	ssize_t n;

	while (off < len) {
		n = send(r->fd, data + off, len - off,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return off;
		if (n == -1) {
			broken(r, errno);
			return len;
		}
		off += (size_t)n;
		r->count.to_socket += (uint64_t)n;
	}
	return off;
}

static void
flush(struct relay *r)
{
	size_t n = offer(r, r->back.data, r->back.len);

	/* broken() has emptied it */
	buf_eat(&r->back, n < r->back.len ? n : r->back.len);
}

static void
take(struct relay *r)
{
	char chunk[CHUNK];
	ssize_t n;

	do
		n = recv(r->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1) {
		broken(r, errno);
		return;
	}
	r->count.to_child += (uint64_t)n;
	/* A child that reads no more: its peer's bytes have nowhere to go. */
	if (n > 0 && child_send(r->child, chunk, (size_t)n, NULL) == 0)
		return;
	r->in_over = true;
	if (n == 0)
		child_close_stdin(r->child);
	else
		shutdown(r->fd, SHUT_RD);
}

static void
on_socket(void *arg, int fd, short revents)
{
	struct relay *r = arg;

	enter(r);
	if (r->back.len > 0 && (revents & (POLLOUT | POLLERR | POLLHUP)) != 0)
		flush(r);
	if (!r->in_over && child_queued(r->child) < HIGH_WATER &&
	    (revents & (POLLIN | POLLERR | POLLHUP)) != 0)
		take(r);
	settle(r);
	leave(r);
}

struct relay *
relay_start(struct loop *l, int fd, struct child *c, relay_end_fn *on_end,
    void *arg, struct err *e)
{
	struct relay *r = calloc(1, sizeof(*r));
	int on = 1;

	if (r == NULL) {
		close(fd);
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	r->fd = spawn_high(fd);
	/* Protocols that ask and answer in lines wait 40 ms a turn otherwise;
	 * a socket that is not TCP has no such delay. */
	(void)setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	r->child = c;
	r->on_end = on_end;
	r->arg = arg;
	buf_init(&r->back, HIGH_WATER + CHILD_RAW_MAX);
	r->watch = loop_fd_new(l, r->fd, POLLIN, on_socket, r, e);
	if (r->watch == NULL) {
		relay_free(r);
		return NULL;
	}
	child_pause(c, false);
	return r;
}

void
relay_free(struct relay *r)
{
	if (r == NULL)
		return;
	enter(r);
	loop_fd_free(r->watch);
	r->watch = NULL;
	if (r->fd != -1)
		close(r->fd);
	r->fd = -1;
	r->dead = true;
	leave(r);
}

void
relay_raw(struct relay *r, const void *data, size_t len)
{
	size_t n = 0;

	if (r->ended || r->dead || r->out_over)
		return;
	enter(r);
	if (r->back.len == 0)
		n = offer(r, data, len);
	/* The child's last pipe of bytes comes whatever we paused. */
	if (n < len && buf_add(&r->back, (const char *)data + n, len - n) == -1)
		broken(r, ENOBUFS);
	settle(r);
	leave(r);
}

void
relay_raw_eof(struct relay *r)
{
	enter(r);
	r->out_eof = true;
	settle(r);
	leave(r);
}

void
relay_drain(struct relay *r)
{
	enter(r);
	settle(r);
	leave(r);
}

void
relay_child_end(struct relay *r)
{
	enter(r);
	r->child = NULL;
	r->out_eof = true;
	settle(r);
	leave(r);
}

void
relay_count(const struct relay *r, struct relay_end *ret)
{
	*ret = r->count;
}
