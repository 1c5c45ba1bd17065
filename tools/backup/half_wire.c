/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "half_priv.h"
#include "proc/spawn.h"

#define DRAIN_MAX 64		/* reads: far more than a socket holds */

static void
shut(int *fd, struct loop_fd **watch)
{
	loop_fd_free(*watch);
	*watch = NULL;
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

size_t
wire_queued(const struct wire *w)
{
	return w->queue.len - w->off;
}

static void
forget_queue(struct wire *w)
{
	buf_clear(&w->queue);
	w->off = 0;
}

/* rsync has closed its end, or worse: its exit status will tell. */
static void
go_deaf(struct wire *w)
{
	w->deaf = true;
	forget_queue(w);
	shut(&w->to, &w->to_watch);
}

/* What rsync takes of it now. */
static size_t
offer(struct wire *w, const char *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = send(w->to, data + done, len - done,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			break;
		if (n == -1) {
			go_deaf(w);
			return len;
		}
		done += (size_t)n;
	}
	return done;
}

/* The relay's answer, once rsync has all its bytes. */
static void
tell(struct wire *w)
{
	if (!w->finish || wire_queued(w) > 0 ||
	    (w->to == -1 && !w->deaf) || w->ctl == -1)
		return;
	shut(&w->to, &w->to_watch);
	w->deaf = true;
	shut(&w->relay, &w->relay_watch);
	(void)send(w->ctl, &w->rc, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	shut(&w->ctl, &w->ctl_watch);
}

static void
on_to(void *arg, int fd, short revents)
{
	struct wire *w = arg;

	half_enter(w->half);
	w->off += offer(w, w->queue.data + w->off, wire_queued(w));
	if (w->deaf || w->off >= w->queue.len) {
		forget_queue(w);
		if (w->to_watch != NULL)
			loop_fd_pause(w->to_watch, 1);
		tell(w);
		half_wire_room(w->half);
	}
	half_leave(w->half);
}

/* One read. 1: there were bytes, 0: none now, -1: none ever. */
static int
take(struct wire *w)
{
	char chunk[HALF_DATA_MAX];
	ssize_t n;

	do
		n = recv(w->from, chunk, sizeof(chunk), MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		shut(&w->from, &w->from_watch);
		return -1;
	}
	half_wire_data(w->half, chunk, (size_t)n);
	return 1;
}

static void
on_from(void *arg, int fd, short revents)
{
	struct wire *w = arg;

	half_enter(w->half);
	take(w);
	if (!half_dead(w->half))
		half_wire_dry(w->half);
	half_leave(w->half);
}

bool
wire_drain(struct wire *w)
{
	int i;

	for (i = 0; i < DRAIN_MAX; i++) {
		if (w->from == -1 || half_dead(w->half))
			return true;
		if (w->paused)
			return false;
		if (take(w) != 1)
			return true;
	}
	return true;
}

static int
watch_stream(struct wire *w, struct err *e)
{
	w->from_watch = loop_fd_new(w->loop, w->from, POLLIN, on_from, w, e);
	if (w->from_watch == NULL)
		return -1;
	loop_fd_pause(w->from_watch, w->paused);
	w->to_watch = loop_fd_new(w->loop, w->to, POLLOUT, on_to, w, e);
	if (w->to_watch == NULL)
		return -1;
	loop_fd_pause(w->to_watch, wire_queued(w) == 0);
	return 0;
}

static void
on_relay(void *arg, int fd, short revents)
{
	struct wire *w = arg;

	half_enter(w->half);
	shut(&w->relay, &w->relay_watch);
	half_wire_orphaned(w->half);
	half_leave(w->half);
}

/* rsync waits for its relay in the very end only: without this, one that is
 * killed would fail a transfer hours later. Who can't be watched is not. */
static void
watch_relay(struct wire *w, pid_t pid)
{
	w->relay = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (w->relay == -1)
		return;
	w->relay = spawn_high(w->relay);
	w->relay_watch = loop_fd_new(w->loop, w->relay, POLLIN, on_relay, w,
	    NULL);
	if (w->relay_watch == NULL)
		shut(&w->relay, &w->relay_watch);
}

static void
on_ctl(void *arg, int fd, short revents)
{
	struct wire *w = arg;
	struct err e = ERR_INIT;
	int fds[2] = { -1, -1 }, n;
	char text[1 + HALF_COMMAND_MAX];
	size_t len = sizeof(text);
	pid_t pid = 0;

	half_enter(w->half);
	/* What else it might say is not read. */
	loop_fd_pause(w->ctl_watch, 1);
	n = wire_fds(fd, fds, text, &len, &pid);
	if (n == 2)
		watch_relay(w, pid);
	if (n == 2 && wire_is_stream(fds[0]) && wire_is_stream(fds[1]) &&
	    half_wire_given(w->half, fds, text + 1, len - 1)) {
		/* Not ours any more: only the relay waits to be told. */
		w->deaf = true;
		tell(w);
	} else if (n == 2 && wire_is_stream(fds[0]) && wire_is_stream(fds[1])) {
		w->from = spawn_high(fds[0]);
		w->to = spawn_high(fds[1]);
		if (watch_stream(w, &e) == -1)
			half_wire_failed(w->half, &e);
		else
			tell(w);
	} else {
		while (n > 0)
			close(fds[--n]);
		/* The end of file is that of the whole jail: it is over. */
		if ((revents & POLLIN) != 0 && (revents & POLLHUP) == 0) {
			err_set(&e, ERR_PEER, "the confined rsync did not "
			    "give us its two sockets");
			half_wire_failed(w->half, &e);
		}
	}
	half_leave(w->half);
}

int
wire_init(struct wire *w, struct half *h, struct loop *l, struct err *e)
{
	const int on = 1;
	int pair[2];

	*w = (struct wire){ .half = h, .loop = l, .ctl = -1, .theirs = -1,
		.from = -1, .to = -1, .relay = -1 };
	buf_init(&w->queue, HALF_QUEUE_MAX);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return err_sys(e, "socketpair");
	w->theirs = pair[1];
	w->ctl = spawn_high(pair[0]);
	if (setsockopt(w->ctl, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == -1)
		return err_sys(e, "SO_PASSCRED");
	w->ctl_watch = loop_fd_new(l, w->ctl, POLLIN, on_ctl, w, e);
	return w->ctl_watch == NULL ? -1 : 0;
}

void
wire_clear(struct wire *w)
{
	shut(&w->relay, &w->relay_watch);
	shut(&w->ctl, &w->ctl_watch);
	shut(&w->from, &w->from_watch);
	shut(&w->to, &w->to_watch);
	if (w->theirs != -1)
		close(w->theirs);
	w->theirs = -1;
	forget_queue(w);
}

int
wire_write(struct wire *w, const void *data, size_t len, struct err *e)
{
	size_t n = 0;

	if (w->deaf || w->finish)
		return err_set(e, ERR_PEER, "rsync reads no more");
	if (len > HALF_QUEUE_MAX - wire_queued(w))
		return err_set(e, ERR_MEM, "more than %zu bytes wait for "
		    "rsync", HALF_QUEUE_MAX);
	if (w->to != -1 && wire_queued(w) == 0)
		n = offer(w, data, len);
	if (n == len)
		return 0;
	if (w->off > 0) {
		buf_eat(&w->queue, w->off);
		w->off = 0;
	}
	if (buf_add(&w->queue, (const char *)data + n, len - n) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (w->to_watch != NULL)
		loop_fd_pause(w->to_watch, 0);
	return 0;
}

void
wire_pause(struct wire *w, bool on)
{
	w->paused = on;
	if (w->from_watch != NULL)
		loop_fd_pause(w->from_watch, on);
}

void
wire_finish(struct wire *w, int rc)
{
	if (w->finish)
		return;
	w->finish = true;
	w->rc = (unsigned char)rc;
	tell(w);
}
