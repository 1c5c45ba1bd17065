/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "proc/child_priv.h"

#define CHUNK CHILD_RAW_MAX
#define GRACE_MS 2000

/* Every way from the loop into a child, and every public function that calls
 * back, counts itself in busy and ends here; afterwards c may be gone. */
static void
leave(struct child *c)
{
	if (--c->busy > 0 || !c->dead)
		return;
	lines_clear(&c->out[0].lines);
	lines_clear(&c->out[1].lines);
	free(c->name);
	free(c);
}

static void
close_stream(struct stream *s)
{
	loop_fd_free(s->watch);
	s->watch = NULL;
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
}

static void
close_in(struct child *c)
{
	loop_fd_free(c->in_watch);
	c->in_watch = NULL;
	if (c->in != -1)
		close(c->in);
	c->in = -1;
	queue_drop(&c->queue);
}

static bool
is_raw(const struct child *c, const struct stream *s)
{
	return c->raw && s->name == CHILD_STDOUT;
}

/* A lines_fn. false: the callback turned to raw, or freed the child. */
static bool
on_line(void *arg, const char *line, size_t len, bool cut)
{
	struct stream *s = arg;
	struct child *c = s->child;

	if (c->spec.on_line != NULL)
		c->spec.on_line(c->spec.arg, s->name, line, len, cut);
	return !c->dead && !is_raw(c, s);
}

static void
feed(struct child *c, struct stream *s, char *p, size_t n)
{
	size_t used = 0;

	if (!is_raw(c, s))
		used = lines_feed(&s->lines, p, n, on_line, s);
	if (used < n && !c->dead && c->spec.on_raw != NULL)
		c->spec.on_raw(c->spec.arg, p + used, n - used);
}

static void
stream_end(struct child *c, struct stream *s)
{
	close_stream(s);
	s->left = 0;
	lines_end(&s->lines, on_line, s);
	if (c->dead || !is_raw(c, s) || c->raw_over)
		return;
	c->raw_over = true;
	if (c->spec.on_raw_eof != NULL)
		c->spec.on_raw_eof(c->spec.arg);
}

/* What can't be read will be missed by whoever waits for it: the child is
 * ended, as at a deadline, and the end says why. */
static void
read_failed(struct child *c, int errnum)
{
	if (c->io_errno != 0)
		return;
	c->io_errno = errnum;
	if (!c->over)
		loop_timer_set(c->timer, 0, 0);
}

/* One read of at most max bytes, which the caller knows not to block. */
static void
pump(struct child *c, struct stream *s, size_t max, short revents)
{
	char chunk[CHUNK];
	size_t want = max < CHUNK ? max : CHUNK;
	bool taken = is_raw(c, s) && c->spec.raw_take != NULL;
	ssize_t n;

	do
		n = taken ? c->spec.raw_take(c->spec.arg, s->fd, want) :
		    read(s->fd, chunk, want);
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		if (c->over)
			s->left -= (size_t)n;
		if (taken)
			return;
		feed(c, s, chunk, (size_t)n);
		/* Hung up and emptied: what follows is end of file. */
		if ((size_t)n == want || (revents & POLLHUP) == 0)
			return;
	}
	if (n == -1)
		read_failed(c, errno);
	if (!c->dead)
		stream_end(c, s);
}

/* Delivers what was in the pipes at the end, then the end. Comes back from
 * child_on_readable() when the owner had paused stdout. */
static void
finish(struct child *c)
{
	struct child_end end;
	struct stream *s;

	/* stderr first: a paused stdout must not leave it to be polled. */
	for (s = c->out + 1; s >= c->out; s--) {
		while (s->fd != -1 && s->left > 0 && !c->dead) {
			if (s == c->out && c->paused && !c->killed)
				return;
			pump(c, s, s->left, 0);
		}
		if (c->dead)
			return;
		stream_end(c, s);
		if (c->dead)
			return;
	}
	c->told = true;
	loop_timer_stop(c->timer);
	/* Not before: the last reads may have failed too. */
	end = (struct child_end){ c->status, c->timed_out, c->io_errno };
	c->spec.on_end(c->spec.arg, &end);
}

void
child_on_readable(void *arg, int fd, short revents)
{
	struct stream *s = arg;
	struct child *c = s->child;

	c->busy++;
	if (!c->over)
		pump(c, s, CHUNK, revents);
	else if (!c->told)
		finish(c);
	leave(c);
}

void
child_on_exit(void *arg, pid_t pid, int status)
{
	struct child *c = arg;
	int i, n;

	c->busy++;
	c->over = true;
	c->status = status;
	/* Whatever of its group outlived the deadline goes with it. */
	if (c->term_step > 0 && c->spec.own_group)
		kill(-pid, SIGKILL);
	close_in(c);
	for (i = 0; i < 2; i++) {
		if (c->out[i].fd == -1)
			continue;
		if (ioctl(c->out[i].fd, FIONREAD, &n) == 0)
			c->out[i].left = (size_t)n;
		else
			read_failed(c, errno);
	}
	if (!c->dead)
		finish(c);
	leave(c);
}

void
child_on_deadline(void *arg)
{
	struct child *c = arg;

	if (c->over) {
		/* Only the owner's pause holds the end back. */
		c->timed_out = !c->killed;
		c->killed = true;
		c->busy++;
		finish(c);
		leave(c);
		return;
	}
	c->timed_out = c->io_errno == 0;
	switch (c->term_step++) {
	case 0:
		child_kill(c, SIGTERM);
		break;
	case 1:
		child_kill(c, SIGKILL);
		break;
	default:
		loop_child(c->loop, c->pid, NULL, NULL, NULL);
		child_on_exit(c, c->pid, SIGKILL);
		return;
	}
	loop_timer_set(c->timer, GRACE_MS, 0);
}

void
child_on_writable(void *arg, int fd, short revents)
{
	struct child *c = arg;

	c->busy++;
	if (queue_write(&c->queue, fd) == -1) {
		close_in(c);
	} else if (c->in != -1 && c->queue.first == NULL) {
		/* A done() may have closed it, or freed the child. */
		loop_fd_pause(c->in_watch, 1);
		if (c->close_in)
			close_in(c);
	}
	if (!c->dead && c->queue.bytes == 0 && c->spec.on_drain != NULL)
		c->spec.on_drain(c->spec.arg);
	leave(c);
}

void
child_free(struct child *c)
{
	if (c == NULL)
		return;
	if (c->pid > 0 && !c->over) {
		if (!c->spec.keep_on_death)
			child_kill(c, SIGKILL);
		loop_child(c->loop, c->pid, NULL, NULL, NULL);
	}
	c->over = c->told = c->dead = true;
	c->busy++;
	close_in(c);
	close_stream(&c->out[0]);
	close_stream(&c->out[1]);
	loop_timer_free(c->timer);
	c->timer = NULL;
	leave(c);
}

pid_t
child_pid(const struct child *c)
{
	return c->pid;
}

/* 0 when something may be queued. */
static int
can_send(const struct child *c, size_t len, struct err *e)
{
	if (c->in == -1 || c->close_in)
		return err_set(e, ERR_PEER, "%s has closed its stdin",
		    c->name);
	if (!queue_fits(&c->queue, len))
		return err_set(e, ERR_MEM,
		    "more than %zu bytes wait for %s to read", c->queue.max,
		    c->name);
	return 0;
}

int
child_send(struct child *c, const void *data, size_t len, struct err *e)
{
	if (can_send(c, len, e) == -1)
		return -1;
	if (queue_add(&c->queue, data, len) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	/* An empty secret counts no bytes and waits to be given back. */
	loop_fd_pause(c->in_watch, c->queue.first == NULL);
	return 0;
}

int
child_send_secret(struct child *c, const void *data, size_t len,
    void (*done)(void *arg), void *arg, struct err *e)
{
	if (can_send(c, len, e) == -1)
		return -1;
	if (queue_borrow(&c->queue, data, len, done, arg) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	loop_fd_pause(c->in_watch, 0);
	return 0;
}

size_t
child_queued(const struct child *c)
{
	return c->queue.bytes;
}

void
child_close_stdin(struct child *c)
{
	c->busy++;
	c->close_in = true;
	if (c->queue.bytes == 0)
		close_in(c);
	leave(c);
}

void
child_raw(struct child *c)
{
	c->raw = true;
}

void
child_pause(struct child *c, bool on)
{
	c->paused = on;
	if (c->out[0].watch != NULL)
		loop_fd_pause(c->out[0].watch, on);
}

void
child_room(struct child *c, int bytes)
{
	if (c->in != -1)
		(void)fcntl(c->in, F_SETPIPE_SZ, bytes);
	if (c->out[0].fd != -1)
		(void)fcntl(c->out[0].fd, F_SETPIPE_SZ, bytes);
}

void
child_kill(struct child *c, int signo)
{
	if (c->told || c->pid <= 0)
		return;
	if (signo == SIGKILL || signo == SIGTERM)
		c->killed = true;
	if (c->over) {
		if (c->killed)
			loop_timer_set(c->timer, 0, 0);
		return;
	}
	kill(c->spec.own_group ? -c->pid : c->pid, signo);
}

void
child_deadline(struct child *c, uint64_t ms)
{
	if (c->told || c->term_step > 0 || c->io_errno != 0)
		return;
	if (ms > 0)
		loop_timer_set(c->timer, ms, 0);
	else
		loop_timer_stop(c->timer);
}
