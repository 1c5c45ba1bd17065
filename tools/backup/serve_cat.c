/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve_snap.h"

/* One regular file of a snapshot as MSG_DATA, as fast as the channel takes
 * it. */

#define CHUNK ((size_t)65536)	/* what a frame may hold */

struct cat {
	struct serve_snap snap;
	int fd;
	uint64_t sent;
	char data[CHUNK];
};

static void
cat_free(struct serve *s)
{
	struct cat *c = s->op;

	if (c->fd != -1)
		close(c->fd);
	serve_snap_close(&c->snap);
	free(c);
	s->op = NULL;
}

static void
more(struct serve *s)
{
	struct cat *c = s->op;
	struct reply last = { 0 };
	struct err e = ERR_INIT;
	ssize_t n = 0;

	if (s->over)
		return;
	while (chan_room(s->chan)) {
		n = read(c->fd, c->data, CHUNK);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		c->sent += (uint64_t)n;
		if (chan_send(s->chan, MSG_DATA, c->data, (size_t)n, &e) == -1)
			break;
	}
	if (n == -1)
		err_sys(&e, "%s: reading it", c->snap.name);
	if (e.code != ERR_NONE) {
		serve_refuse(s, &e);
	} else if (n == 0 && chan_room(s->chan)) {
		last.bytes = c->sent;
		snprintf(last.snapshot, sizeof(last.snapshot), "%s",
		    c->snap.name);
		serve_result(s, &last);
	}
}

static const char *
kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a folder (restore brings it back)";
	case S_IFLNK:
		return "a symbolic link";
	case S_IFREG:
		return NULL;
	default:
		return "no regular file";
	}
}

int
serve_cat(struct serve *s, struct err *e)
{
	struct cat *c = calloc(1, sizeof(*c));
	struct reply a = { 0 };
	struct stat st;
	const char *why;

	if (c == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	c->fd = -1;
	if (serve_snap_open(s, &c->snap, e) == -1) {
		free(c);
		return -1;
	}
	s->op = c;
	s->op_free = cat_free;
	/* Not to wait for whoever would open a FIFO's other end. */
	if (serve_snap_at(&c->snap, s->req.paths.v[0], O_RDONLY | O_NONBLOCK |
	    O_NOCTTY, &c->fd, e) == -1)
		return -1;
	why = kind(serve_snap_mode(&c->snap, c->fd));
	if (why == NULL && (fstat(c->fd, &st) == -1 || !S_ISREG(st.st_mode)))
		why = "no regular file";
	if (why != NULL)
		return err_set(e, ERR_REFUSED, "it is %s", why);
	snprintf(a.snapshot, sizeof(a.snapshot), "%s", c->snap.name);
	a.bytes = (uint64_t)(st.st_size > 0 ? st.st_size : 0);
	if (serve_go_on(s, &a, e) == -1)
		return -1;
	s->on_room = more;
	more(s);
	return 0;
}
