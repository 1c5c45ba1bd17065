/* SPDX-License-Identifier: ISC */
#include "proc/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

struct worker {
	pthread_t thread;
	bool started;
	int fds[2];		/* the thread closes [1] when it is through */
	struct loop_fd *watch;
	worker_fn *fn;
	worker_end_fn *on_end;
	void *arg;
	int rc;
	struct err err;
};

static void *
work(void *arg)
{
	struct worker *w = arg;

	w->rc = w->fn(w->arg, &w->err);
	close(w->fds[1]);
	return NULL;
}

static void
join(struct worker *w)
{
	if (w->started)
		pthread_join(w->thread, NULL);
	w->started = false;
}

static void
on_through(void *arg, int fd, short revents)
{
	struct worker *w = arg;
	struct err e;

	join(w);
	loop_fd_free(w->watch);
	w->watch = NULL;
	/* w may be freed by its owner. */
	e = w->err;
	w->on_end(w->arg, w->rc == 0 ? NULL : &e);
}

struct worker *
worker_start(struct loop *l, worker_fn *fn, worker_end_fn *on_end, void *arg,
    struct err *e)
{
	struct worker *w = calloc(1, sizeof(*w));
	int errnum;

	if (w == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	*w = (struct worker){ .fds = { -1, -1 }, .fn = fn, .on_end = on_end,
		.arg = arg, .err = ERR_INIT };
	if (pipe2(w->fds, O_CLOEXEC) == -1) {
		err_sys(e, "pipe");
		goto fail;
	}
	w->watch = loop_fd_new(l, w->fds[0], POLLIN, on_through, w, e);
	if (w->watch == NULL)
		goto fail;
	errnum = pthread_create(&w->thread, NULL, work, w);
	if (errnum != 0) {
		errno = errnum;
		err_sys(e, "a thread");
		goto fail;
	}
	w->started = true;
	return w;
fail:
	if (w->fds[1] != -1)
		close(w->fds[1]);
	worker_free(w);
	return NULL;
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	join(w);
	loop_fd_free(w->watch);
	if (w->fds[0] != -1)
		close(w->fds[0]);
	free(w);
}
