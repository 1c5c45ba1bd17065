/* SPDX-License-Identifier: ISC */
#include "stream.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "ui/log.h"

struct stream {
	struct chan *chan;
	struct loop_fd *watch;
	int fds[2];			/* the worker writes when there is
					 * something */
	pthread_mutex_t mutex;		/* for all up to `stopped' */
	pthread_cond_t room;
	struct buf frame;
	bool told;			/* a byte is in the pipe */
	bool stopped;
	void (*done)(void *arg);
	void *arg;
};

/* What there is to the channel, if that has room. */
static void
pass_on(struct stream *s)
{
	struct err e = ERR_INIT;
	struct buf out;
	bool stopped;

	pthread_mutex_lock(&s->mutex);
	stopped = s->stopped;
	if (!stopped && s->frame.len > 0 && !chan_room(s->chan)) {
		pthread_mutex_unlock(&s->mutex);
		return;
	}
	out = s->frame;
	buf_init(&s->frame, MSG_MAX);
	pthread_cond_signal(&s->room);
	pthread_mutex_unlock(&s->mutex);
	if (!stopped && out.len > 0 && chan_send(s->chan, MSG_DATA, out.data,
	    out.len, &e) == -1)
		log_debug("%s", e.msg);
	buf_clear(&out);
	if (s->done != NULL) {
		void (*done)(void *arg) = s->done;

		s->done = NULL;
		done(s->arg);
	}
}

static void
on_told(void *arg, int fd, short revents)
{
	struct stream *s = arg;
	char bytes[16];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
	pthread_mutex_lock(&s->mutex);
	s->told = false;
	pthread_mutex_unlock(&s->mutex);
	pass_on(s);
}

struct stream *
stream_new(struct loop *l, struct chan *chan, struct err *e)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	*s = (struct stream){ .chan = chan, .fds = { -1, -1 } };
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->room, NULL);
	buf_init(&s->frame, MSG_MAX);
	if (pipe2(s->fds, O_CLOEXEC | O_NONBLOCK) == -1) {
		err_sys(e, "pipe");
		stream_free(s);
		return NULL;
	}
	s->watch = loop_fd_new(l, s->fds[0], POLLIN, on_told, s, e);
	if (s->watch == NULL) {
		stream_free(s);
		return NULL;
	}
	return s;
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	loop_fd_free(s->watch);
	for (int i = 0; i < 2; i++)
		if (s->fds[i] != -1)
			close(s->fds[i]);
	buf_clear(&s->frame);
	pthread_cond_destroy(&s->room);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

/* With the mutex: the loop hears that there is something. */
static void
tell(struct stream *s)
{
	if (!s->told && write(s->fds[1], "", 1) == 1)
		s->told = true;
}

int
stream_put(struct stream *s, const void *row, size_t len, struct err *e)
{
	int rc;

	pthread_mutex_lock(&s->mutex);
	while (!s->stopped && s->frame.len + len > MSG_MAX &&
	    s->frame.len > 0)
		pthread_cond_wait(&s->room, &s->mutex);
	if (s->stopped)
		rc = err_set(e, ERR_REFUSED, "nobody reads any more");
	else if (buf_add(&s->frame, row, len) == -1)
		rc = err_set(e, ERR_MEM, "out of memory");
	else
		rc = 0;
	if (rc == 0)
		tell(s);
	pthread_mutex_unlock(&s->mutex);
	return rc;
}

void
stream_room(struct stream *s)
{
	pass_on(s);
}

void
stream_stop(struct stream *s)
{
	pthread_mutex_lock(&s->mutex);
	s->stopped = true;
	pthread_cond_signal(&s->room);
	pthread_mutex_unlock(&s->mutex);
}

void
stream_over(struct stream *s, void (*done)(void *arg), void *arg)
{
	s->done = done;
	s->arg = arg;
	pass_on(s);
}
