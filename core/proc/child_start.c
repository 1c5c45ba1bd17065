/* SPDX-License-Identifier: ISC */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/child_priv.h"
#include "proc/spawn.h"

#define LINE_MAX_DEFAULT 4096
#define OUT_MAX_DEFAULT ((size_t)1 << 20)
#define MANY_FDS 256

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
		s->watch = loop_fd_new(c->loop, s->fd, POLLIN,
		    child_on_readable, s, e);
		if (s->watch == NULL)
			return -1;
	}
	if (c->in != -1) {
		c->in_watch = loop_fd_new(c->loop, c->in, POLLOUT,
		    child_on_writable, c, e);
		if (c->in_watch == NULL)
			return -1;
		loop_fd_pause(c->in_watch, 1);
	}
	c->timer = loop_timer_new(c->loop, c->spec.timeout_ms, 0,
	    child_on_deadline, c, e);
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
	if (loop_child(l, c->pid, child_on_exit, c, e) == -1)
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
