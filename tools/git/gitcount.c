/* SPDX-License-Identifier: ISC */
#include "gitcount.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK	((size_t)1 << 20)
#define ROOM	(256 << 10)	/* bytes that a pipe holds: fewer turns */
#define TURNS	16		/* of one way, until the loop looks again */

/* One direction: what comes at from goes to to. */
struct way {
	struct gitcount *count;
	int from, to;			/* -1: closed */
	struct loop_fd *in, *out;	/* polled: one of the two at a time */
	int64_t bytes;
	bool over;
};

struct gitcount {
	struct way in, out;
	int child_in, child_out;	/* the child's ends of the pipes */
	struct loop_timer *late;
	gitcount_fn *done;		/* NULL: the child is not over */
	void *arg;
};

static void
close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

static void
way_close(struct way *w)
{
	loop_fd_free(w->in);
	loop_fd_free(w->out);
	w->in = w->out = NULL;
	close_fd(&w->from);
	close_fd(&w->to);
	w->over = true;
}

static void
finished(struct gitcount *c, bool late)
{
	gitcount_fn *done = c->done;

	c->done = NULL;
	loop_timer_stop(c->late);
	if (done != NULL)
		done(c->arg, late);
}

/* Nothing more goes this way. */
static void
over(struct way *w)
{
	struct gitcount *c = w->count;

	way_close(w);
	if (w == &c->in)
		return;
	/* Whoever goes on writing is to see that nobody reads. */
	close_fd(&c->child_out);
	finished(c, false);
}

static bool
readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* Until one of the two ends would make us wait; which one, is polled then. */
static void
pump(struct way *w)
{
	ssize_t n = 1;
	int i;

	for (i = 0; i < TURNS && n > 0; i++) {
		do
			n = splice(w->from, NULL, w->to, NULL, CHUNK,
			    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		while (n == -1 && errno == EINTR);
		if (n > 0)
			w->bytes += n;
	}
	if (n == 0 || (n == -1 && errno != EAGAIN)) {
		over(w);
		return;
	}
	if (n == -1 && readable(w->from)) {
		loop_fd_pause(w->in, 1);
		loop_fd_pause(w->out, 0);
		return;
	}
	loop_fd_pause(w->out, 1);
	loop_fd_pause(w->in, 0);
	/* The child's last word is in the pipe, if there is one; its end of
	 * file may never come: others have the pipe as well, and so have we.
	 * An empty pipe that nobody writes to never rings, so this does not
	 * ask whether the last turn moved something. */
	if (w == &w->count->out && w->count->done != NULL &&
	    !readable(w->from))
		finished(w->count, false);
}

static void
on_ready(void *arg, int fd, short revents)
{
	pump(arg);
}

static void
on_late(void *arg)
{
	finished(arg, true);
}

/* Borrows nothing: from and to are taken. */
static int
way_open(struct gitcount *c, struct way *w, struct loop *l, struct err *e)
{
	w->in = loop_fd_new(l, w->from, POLLIN, on_ready, w, e);
	w->out = loop_fd_new(l, w->to, POLLOUT, on_ready, w, e);
	if (w->in == NULL || w->out == NULL)
		return -1;
	loop_fd_pause(w->out, 1);
	return 0;
}

static bool
can_be_spliced(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* A copy of ours, since somebody else watches the descriptor itself. */
static int
copy(int fd, int *ret, struct err *e)
{
	*ret = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *ret != -1 ? 0 : err_sys(e, "a copy of descriptor %d", fd);
}

static int
pipe_of(int ret[2], struct err *e)
{
	if (pipe2(ret, O_CLOEXEC) == -1)
		return err_sys(e, "pipe");
	(void)fcntl(ret[0], F_SETPIPE_SZ, ROOM);
	return 0;
}

static int
open_all(struct gitcount *c, struct loop *l, struct err *e)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };

	if (pipe_of(in, e) == -1)
		return -1;
	c->child_in = in[0];
	c->in.to = in[1];
	if (pipe_of(out, e) == -1)
		return -1;
	c->out.from = out[0];
	c->child_out = out[1];
	if (copy(STDIN_FILENO, &c->in.from, e) == -1 ||
	    copy(STDOUT_FILENO, &c->out.to, e) == -1)
		return -1;
	/* splice(2)'s own flag is for pipes alone. */
	(void)fcntl(c->in.from, F_SETFL, fcntl(c->in.from, F_GETFL) |
	    O_NONBLOCK);
	(void)fcntl(c->out.to, F_SETFL, fcntl(c->out.to, F_GETFL) |
	    O_NONBLOCK);
	c->late = loop_timer_new(l, 0, 0, on_late, c, e);
	if (c->late == NULL)
		return -1;
	loop_timer_stop(c->late);
	return way_open(c, &c->in, l, e) == 0 ? way_open(c, &c->out, l, e) :
	    -1;
}

int
gitcount_new(struct loop *l, struct gitcount **ret, struct err *e)
{
	struct gitcount *c;

	if (!can_be_spliced(STDIN_FILENO) || !can_be_spliced(STDOUT_FILENO)) {
		*ret = NULL;
		return 0;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	c->in = c->out = (struct way){ .count = c, .from = -1, .to = -1 };
	c->child_in = c->child_out = -1;
	if (open_all(c, l, e) == -1) {
		gitcount_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

void
gitcount_free(struct gitcount *c)
{
	if (c == NULL)
		return;
	way_close(&c->in);
	way_close(&c->out);
	close_fd(&c->child_in);
	close_fd(&c->child_out);
	loop_timer_free(c->late);
	free(c);
}

void
gitcount_fds(const struct gitcount *c, int fd[3])
{
	if (c == NULL)
		return;
	fd[0] = c->child_in;
	/* Nobody reads it any more: the next one sees that as well. */
	if (c->child_out != -1)
		fd[1] = c->child_out;
}

void
gitcount_io(const struct gitcount *c, struct child_spec *s)
{
	if (c == NULL)
		return;
	s->io[0] = s->io[1] = CHILD_FD;
	s->fd[1] = STDOUT_FILENO;
	gitcount_fds(c, s->fd);
}

void
gitcount_finish(struct gitcount *c, uint64_t timeout_ms, gitcount_fn *done,
    void *arg)
{
	if (c == NULL || c->out.over) {
		done(arg, false);
		return;
	}
	c->done = done;
	c->arg = arg;
	if (timeout_ms > 0)
		loop_timer_set(c->late, timeout_ms, 0);
	pump(&c->out);
}

void
gitcount_bytes(const struct gitcount *c, int64_t *ret_in, int64_t *ret_out)
{
	*ret_in = c != NULL ? c->in.bytes : -1;
	*ret_out = c != NULL ? c->out.bytes : -1;
}
