/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/uio.h>
#include <unistd.h>

#include "chan_priv.h"
#include "proc/spawn.h"

/*
 * What fd takes now of a frame while nothing else waits: it is neither copied
 * nor waited for. An error is left to flush(), which is no caller's turn.
 */
static size_t
write_now(struct chan *w, const unsigned char *head, const void *data,
    size_t len)
{
	const struct iovec v[] = {
		{ .iov_base = (void *)(uintptr_t)head, .iov_len = MSG_HEAD },
		{ .iov_base = (void *)(uintptr_t)data, .iov_len = len } };
	ssize_t n;

	if (w->queue.bytes > 0)
		return 0;
	do
		n = writev(w->out, v, 2);
	while (n == -1 && errno == EINTR);
	return n > 0 ? (size_t)n : 0;
}

int
chan_send(struct chan *w, char type, const void *data, size_t len,
    struct err *e)
{
	unsigned char head[MSG_HEAD];
	size_t n, of_head;

	if (w->out == -1 || w->closing)
		return err_set(e, ERR_PEER, "the connection is closed");
	if (msg_head(type, len, head) == -1)
		return err_set(e, ERR_PEER, "no frame: type %d, %zu bytes",
		    type, len);
	if (!queue_fits(&w->queue, MSG_HEAD + len))
		return err_set(e, ERR_MEM, "too much waits to be sent");
	n = write_now(w, head, data, len);
	if (n == MSG_HEAD + len)
		return 0;
	of_head = n < MSG_HEAD ? n : MSG_HEAD;
	n -= of_head;
	if (queue_add(&w->queue, head + of_head, MSG_HEAD - of_head) == -1 ||
	    queue_add(&w->queue, (const char *)data + n, len - n) == -1)
		return err_set(e, ERR_MEM, "too much waits to be sent");
	loop_fd_pause(w->out_watch, 0);
	if (!chan_room(w))
		w->full = true;
	return 0;
}

/* Read and sent, where the kernel moves nothing. */
static ssize_t
take_copy(struct chan *w, int from, size_t max, struct err *e)
{
	char chunk[MSG_MAX];
	ssize_t n = read(from, chunk, max < sizeof(chunk) ? max :
	    sizeof(chunk));

	if (n > 0)
		(void)chan_send(w, MSG_DATA, chunk, (size_t)n, e);
	return n;
}

/* The pipe between, made at the first need; it is full when nothing goes in.
 * As read(2), but for -1: take_copy() has to do. */
static ssize_t
take_whole(struct chan *w, int from, size_t max)
{
	if (w->mid[1] == -1) {
		if (pipe2(w->mid, O_CLOEXEC | O_NONBLOCK) == -1)
			return -1;
		w->mid[0] = spawn_high(w->mid[0]);
		w->mid[1] = spawn_high(w->mid[1]);
		(void)fcntl(w->mid[1], F_SETPIPE_SZ, CHAN_ROOM);
	}
	return splice(from, NULL, w->mid[1], NULL, max < MSG_MAX ? max :
	    MSG_MAX, SPLICE_F_NONBLOCK);
}

ssize_t
chan_take(struct chan *w, int from, size_t max, struct err *e)
{
	bool first = w->queue.bytes == 0;
	unsigned char head[MSG_HEAD];
	ssize_t n = -1;

	if (w->out != -1 && !w->closing &&
	    queue_fits(&w->queue, MSG_HEAD + MSG_MAX))
		n = take_whole(w, from, max);
	if (n == -1)
		return take_copy(w, from, max, e);
	if (n == 0)
		return 0;
	(void)msg_head(MSG_DATA, (size_t)n, head);
	if (queue_add(&w->queue, head, MSG_HEAD) == -1 ||
	    queue_pipe(&w->queue, w->mid[0], (size_t)n) == -1) {
		/* Half a frame: nothing can follow it. */
		chan_shut(w);
		err_set(e, ERR_MEM, "out of memory");
		return n;
	}
	/* An error is left to flush(), as in chan_send(). */
	if (first)
		(void)queue_write(&w->queue, w->out);
	loop_fd_pause(w->out_watch, w->queue.bytes == 0);
	if (!chan_room(w))
		w->full = true;
	return n;
}

int
chan_send_key(struct chan *w, const void *data, void (*done)(void *arg),
    void *arg, struct err *e)
{
	unsigned char head[MSG_HEAD];

	if (w->out == -1 || w->closing)
		return err_set(e, ERR_PEER, "the connection is closed");
	(void)msg_head(MSG_KEY, MSG_KEY_LEN, head);
	if (!queue_fits(&w->queue, MSG_HEAD + MSG_KEY_LEN) ||
	    queue_add(&w->queue, head, MSG_HEAD) == -1 ||
	    queue_borrow(&w->queue, data, MSG_KEY_LEN, done, arg) == -1)
		return err_set(e, ERR_MEM, "too much waits to be sent");
	loop_fd_pause(w->out_watch, 0);
	return 0;
}
