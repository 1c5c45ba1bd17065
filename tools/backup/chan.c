/* SPDX-License-Identifier: ISC */
#include "chan_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 65536
/* A stream stops at the first, and no frame at all is taken at the second. */
#define HIGH_WATER ((size_t)1 << 18)
#define QUEUE_MAX ((size_t)1 << 20)
#define BEATS_MISSED 3

static void
leave(struct chan *w)
{
	if (--w->busy > 0 || !w->dead)
		return;
	msg_clear(&w->msg);
	queue_drop(&w->queue);
	free(w);
}

static void
close_in(struct chan *w)
{
	loop_fd_free(w->in_watch);
	w->in_watch = NULL;
	if (w->in != -1)
		close(w->in);
	w->in = -1;
	loop_timer_stop(w->silence);
}

static void
close_mid(struct chan *w)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (w->mid[i] != -1)
			close(w->mid[i]);
		w->mid[i] = -1;
	}
}

void
chan_shut(struct chan *w)
{
	void (*closed)(void *arg) = w->closed;

	loop_fd_free(w->out_watch);
	w->out_watch = NULL;
	if (w->out != -1)
		close(w->out);
	w->out = -1;
	queue_drop(&w->queue);
	close_mid(w);
	loop_timer_stop(w->beat);
	w->closed = NULL;
	if (closed != NULL && !w->dead)
		closed(w->closed_arg);
}

static void
end(struct chan *w, const struct err *e)
{
	close_in(w);
	if (w->ended || w->dead)
		return;
	w->ended = true;
	w->ops.on_end(w->arg, e);
}

static int
on_msg(void *arg, char type, const char *data, size_t len, struct err *e)
{
	struct chan *w = arg;

	if (type == MSG_KEY)
		w->had_key = true;
	if (type != MSG_BEAT &&
	    w->ops.on_frame(w->arg, type, data, len, e) == -1)
		return -1;
	/* The rest of the chunk is handed over even when paused now: it was
	 * read, and is no more than that. */
	return w->dead || w->ended;
}

static void
on_readable(void *arg, int fd, short revents)
{
	struct chan *w = arg;
	struct err e = ERR_INIT;
	char chunk[CHUNK];
	size_t used;
	ssize_t n;

	w->busy++;
	do
		n = read(fd, chunk, sizeof(chunk));
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		if (w->beat_ms > 0)
			loop_timer_set(w->silence, BEATS_MISSED * w->beat_ms, 0);
		if (msg_feed(&w->msg, chunk, (size_t)n, &used, on_msg,
		    w, &e) == -1)
			end(w, &e);
		if (w->had_key || w->msg.head[0] == MSG_KEY)
			explicit_bzero(chunk, (size_t)n);
		w->had_key = false;
	} else if (n == 0) {
		end(w, msg_eof(&w->msg, &e) == -1 ? &e : NULL);
	} else if (errno != EAGAIN) {
		err_sys(&e, "the connection");
		end(w, &e);
	}
	leave(w);
}

static void
flush(struct chan *w)
{
	if (w->out == -1)
		return;
	if (queue_write(&w->queue, w->out) == -1) {
		/* The other direction says why, if anything does. */
		chan_shut(w);
		return;
	}
	loop_fd_pause(w->out_watch, w->queue.bytes == 0);
	if (w->queue.bytes == 0 && w->closing) {
		chan_shut(w);
		return;
	}
	if (w->full && chan_room(w)) {
		w->full = false;
		if (w->ops.on_room != NULL)
			w->ops.on_room(w->arg);
	}
}

static void
on_writable(void *arg, int fd, short revents)
{
	struct chan *w = arg;

	w->busy++;
	flush(w);
	leave(w);
}

static void
on_beat(void *arg)
{
	struct chan *w = arg;

	/* Who has frames to read needs no beat. */
	if (w->queue.bytes == 0)
		(void)chan_send(w, MSG_BEAT, NULL, 0, NULL);
}

static void
on_silence(void *arg)
{
	struct chan *w = arg;
	struct err e = ERR_INIT;

	w->busy++;
	err_set(&e, ERR_TIMEOUT, "nothing was heard for %g s",
	    (double)(BEATS_MISSED * w->beat_ms) / 1000);
	end(w, &e);
	leave(w);
}

static int
start(struct chan *w, struct err *e)
{
	int fl, fds[2], i;

	if (w->out == -1)
		w->out = fcntl(w->in, F_DUPFD_CLOEXEC, 3);
	fds[0] = w->in;
	fds[1] = w->out;
	for (i = 0; i < 2; i++) {
		fl = fcntl(fds[i], F_GETFL);
		if (fl == -1 || fcntl(fds[i], F_SETFL, fl | O_NONBLOCK) == -1)
			return err_sys(e, "fcntl");
	}
	w->in_watch = loop_fd_new(w->loop, w->in, POLLIN, on_readable, w, e);
	w->out_watch = loop_fd_new(w->loop, w->out, POLLOUT, on_writable, w,
	    e);
	w->beat = loop_timer_new(w->loop, w->beat_ms, w->beat_ms, on_beat, w,
	    e);
	w->silence = loop_timer_new(w->loop, BEATS_MISSED * w->beat_ms, 0,
	    on_silence, w, e);
	if (w->in_watch == NULL || w->out_watch == NULL || w->beat == NULL ||
	    w->silence == NULL)
		return -1;
	loop_fd_pause(w->out_watch, 1);
	if (w->beat_ms == 0) {
		loop_timer_stop(w->beat);
		loop_timer_stop(w->silence);
	}
	return 0;
}

struct chan *
chan_new(struct loop *l, int in, int out, uint64_t beat_ms,
    const struct chan_ops *ops, void *arg, struct err *e)
{
	struct chan *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		close(in);
		if (out != in)
			close(out);
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	w->loop = l;
	w->ops = *ops;
	w->arg = arg;
	w->in = in;
	w->out = out != in ? out : -1;
	w->mid[0] = w->mid[1] = -1;
	w->beat_ms = beat_ms;
	(void)fcntl(in, F_SETPIPE_SZ, CHAN_ROOM);
	(void)fcntl(out, F_SETPIPE_SZ, CHAN_ROOM);
	msg_init(&w->msg);
	queue_init(&w->queue, QUEUE_MAX);
	if (start(w, e) == -1) {
		chan_free(w);
		return NULL;
	}
	return w;
}

void
chan_beat(struct chan *w, uint64_t beat_ms)
{
	if (w->beat_ms == 0)
		return;
	w->beat_ms = beat_ms;
	if (w->out != -1)
		loop_timer_set(w->beat, beat_ms, beat_ms);
	if (w->in != -1 && !w->paused)
		loop_timer_set(w->silence, BEATS_MISSED * beat_ms, 0);
}

void
chan_patience(struct chan *w, uint64_t ms)
{
	if (w->beat_ms > 0 && ms > BEATS_MISSED * w->beat_ms)
		loop_timer_set(w->silence, ms, 0);
}

void
chan_free(struct chan *w)
{
	if (w == NULL)
		return;
	w->busy++;
	w->dead = true;
	w->closed = NULL;
	close_in(w);
	chan_shut(w);
	loop_timer_free(w->beat);
	loop_timer_free(w->silence);
	w->beat = w->silence = NULL;
	leave(w);
}

bool
chan_room(const struct chan *w)
{
	return w->queue.bytes < HIGH_WATER;
}

void
chan_pause(struct chan *w, bool on)
{
	if (w->paused == on || w->in == -1)
		return;
	w->paused = on;
	loop_fd_pause(w->in_watch, on);
	if (w->beat_ms == 0)
		return;
	if (on)
		loop_timer_stop(w->silence);
	else
		loop_timer_set(w->silence, BEATS_MISSED * w->beat_ms, 0);
}

void
chan_close(struct chan *w, void (*done)(void *arg), void *arg)
{
	w->busy++;
	w->closing = true;
	w->closed = done;
	w->closed_arg = arg;
	if (w->out == -1) {
		w->closed = NULL;
		if (done != NULL)
			done(arg);
	} else if (w->queue.bytes == 0) {
		chan_shut(w);
	}
	leave(w);
}
