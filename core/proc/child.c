/* SPDX-License-Identifier: ISC */
#include "proc/child.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "proc/lines.h"
#include "proc/queue.h"
#include "proc/spawn.h"

#define LINE_MAX_DEFAULT 4096
#define OUT_MAX_DEFAULT ((size_t)1 << 20)
#define CHUNK 16384
#define GRACE_MS 2000
#define MANY_FDS 256

struct stream {
	struct child *child;
	int fd;			/* ours; -1: closed or never a pipe */
	struct loop_fd *watch;
	enum child_stream name;
	struct lines lines;
	size_t left;		/* after the end: bytes still to deliver */
};

struct child {
	struct loop *loop;
	struct child_spec spec;	/* argv and envp are gone after the start */
	char *name;		/* argv[0] */
	pid_t pid;
	struct stream out[2];	/* stdout, stderr */
	int in;			/* -1: closed */
	struct loop_fd *in_watch;
	struct queue queue;	/* what waits to be written to in */
	bool close_in;		/* once the queue is empty */
	bool raw, raw_over;
	bool paused;
	bool killed;		/* by us: the end waits for nobody */
	bool over;		/* the process has ended */
	bool told;		/* on_end() was called */
	int status;
	bool timed_out;
	unsigned term_step;	/* 1: SIGTERM sent, 2: SIGKILL sent */
	struct loop_timer *timer;
	unsigned busy;		/* frames of ours on the stack */
	bool dead;		/* freed while busy */
};

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

/* One read of at most max bytes, which the caller knows not to block. */
static void
pump(struct child *c, struct stream *s, size_t max, short revents)
{
	char chunk[CHUNK];
	size_t want = max < CHUNK ? max : CHUNK;
	ssize_t n;

	do
		n = read(s->fd, chunk, want);
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		if (c->over)
			s->left -= (size_t)n;
		feed(c, s, chunk, (size_t)n);
		/* Hung up and emptied: what follows is end of file. */
		if ((size_t)n == want || (revents & POLLHUP) == 0)
			return;
	}
	if (!c->dead)
		stream_end(c, s);
}

/* Delivers what was in the pipes at the end, then the end. Comes back from
 * on_readable() when the owner had paused stdout. */
static void
finish(struct child *c)
{
	struct child_end end = { c->status, c->timed_out };
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
	c->spec.on_end(c->spec.arg, &end);
}

static void
on_readable(void *arg, int fd, short revents)
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

static void
on_exit_status(void *arg, pid_t pid, int status)
{
	struct child *c = arg;
	int i, n;

	c->busy++;
	c->over = true;
	c->status = status;
	/* Whatever of its group outlived the deadline goes with it. */
	if (c->timed_out && c->spec.own_group)
		kill(-pid, SIGKILL);
	close_in(c);
	for (i = 0; i < 2; i++)
		if (c->out[i].fd != -1 &&
		    ioctl(c->out[i].fd, FIONREAD, &n) == 0)
			c->out[i].left = (size_t)n;
	if (!c->dead)
		finish(c);
	leave(c);
}

static void
on_deadline(void *arg)
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
	c->timed_out = true;
	switch (c->term_step++) {
	case 0:
		child_kill(c, SIGTERM);
		break;
	case 1:
		child_kill(c, SIGKILL);
		break;
	default:
		loop_child(c->loop, c->pid, NULL, NULL, NULL);
		on_exit_status(c, c->pid, SIGKILL);
		return;
	}
	loop_timer_set(c->timer, GRACE_MS, 0);
}

static void
on_writable(void *arg, int fd, short revents)
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

/* The child's three ends into theirs, our ends into c. */
static int
open_pipes(struct child *c, int theirs[3], struct err *e)
{
	int *ours[3] = { &c->in, &c->out[0].fd, &c->out[1].fd }, i;

	for (i = 0; i < 3; i++) {
		if (c->spec.io[i] == CHILD_INHERIT)
			theirs[i] = i;
		if (c->spec.io[i] == CHILD_FD)
			theirs[i] = c->spec.fd[i];
		if (c->spec.io[i] == CHILD_PIPE &&
		    spawn_pipe(i == 0, ours[i], &theirs[i], e) == -1)
			return -1;
	}
	return 0;
}

static int
watch_all(struct child *c, struct err *e)
{
	struct stream *s;

	for (s = c->out; s < c->out + 2; s++) {
		if (s->fd == -1)
			continue;
		s->watch = loop_fd_new(c->loop, s->fd, POLLIN, on_readable, s,
		    e);
		if (s->watch == NULL)
			return -1;
	}
	if (c->in != -1) {
		c->in_watch = loop_fd_new(c->loop, c->in, POLLOUT,
		    on_writable, c, e);
		if (c->in_watch == NULL)
			return -1;
		loop_fd_pause(c->in_watch, 1);
	}
	c->timer = loop_timer_new(c->loop, c->spec.timeout_ms, 0, on_deadline,
	    c, e);
	if (c->timer == NULL)
		return -1;
	if (c->spec.timeout_ms == 0)
		loop_timer_stop(c->timer);
	return 0;
}

static int
run(struct child *c, const int theirs[3], const char *path, struct err *e)
{
	struct spawn s = {
		.path = path,
		.argv = c->spec.argv,
		.envp = c->spec.envp != NULL ? c->spec.envp : environ,
		.fd = { theirs[0], theirs[1], theirs[2] },
		.own_group = c->spec.own_group,
		.keep_on_death = c->spec.keep_on_death,
		.many = c->in >= MANY_FDS || c->out[0].fd >= MANY_FDS ||
		    c->out[1].fd >= MANY_FDS,
		.reset = loop_reset_set(c->loop),
		.before_exec = c->spec.before_exec,
		.arg = c->spec.arg,
	};

	return spawn_run(&s, &c->pid, e);
}

static struct child *
child_new(struct loop *l, const struct child_spec *spec, struct err *e)
{
	struct child *c = calloc(1, sizeof(*c));
	int i;

	if (c == NULL || (c->name = strdup(spec->argv[0])) == NULL) {
		free(c);
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	c->loop = l;
	c->spec = *spec;
	c->in = -1;
	queue_init(&c->queue, spec->out_max > 0 ? spec->out_max :
	    OUT_MAX_DEFAULT);
	for (i = 0; i < 2; i++) {
		c->out[i].fd = -1;
		c->out[i].name = i == 0 ? CHILD_STDOUT : CHILD_STDERR;
		c->out[i].child = c;
		lines_init(&c->out[i].lines, spec->line_max > 0 ?
		    spec->line_max : LINE_MAX_DEFAULT);
	}
	return c;
}

struct child *
child_start(struct loop *l, const struct child_spec *spec, struct err *e)
{
	struct child *c = child_new(l, spec, e), *ret = NULL;
	int theirs[3] = { -1, -1, -1 }, i;
	char *path = NULL;

	if (c == NULL)
		return NULL;
	path = spawn_path(spec->argv[0], e);
	if (path == NULL || open_pipes(c, theirs, e) == -1 ||
	    watch_all(c, e) == -1 || run(c, theirs, path, e) == -1)
		goto out;
	if (loop_child(l, c->pid, on_exit_status, c, e) == -1)
		goto out;
	ret = c;
out:
	free(path);
	for (i = 0; i < 3; i++)
		if (spec->io[i] == CHILD_PIPE && theirs[i] != -1)
			close(theirs[i]);
	if (ret == NULL)
		child_free(c);
	return ret;
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
	if (c->told || c->term_step > 0)
		return;
	if (ms > 0)
		loop_timer_set(c->timer, ms, 0);
	else
		loop_timer_stop(c->timer);
}
