/* SPDX-License-Identifier: ISC */
#include "treewalk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "walk.h"

struct way {
	const struct treewalk *t;
	struct buf wait;	/* paths, each with its NUL: the last is next */
	struct buf found;	/* names of the folder's folders, likewise, in
				 * order */
	struct buf path;	/* of the folder that is being read */
	struct walk_list list;
};

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

static bool
gone(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

/* Takes the last string of b away, into out. */
static int
pop(struct buf *b, struct buf *out, struct err *e)
{
	size_t at = b->len - 1;

	while (at > 0 && b->data[at - 1] != '\0')
		at--;
	buf_eat(out, out->len);
	if (buf_adds(out, b->data + at) == -1)
		return no_mem(e);
	b->len = at;
	b->data[at] = '\0';
	return 0;
}

/* The names of one part of a folder's list. */
static int
each(struct way *w, int fd, struct err *e)
{
	const struct treewalk *t = w->t;
	const char *name;
	struct stat st;
	size_t i;
	int rc;

	for (i = 0; i < w->list.n; i++) {
		name = w->list.names + w->list.at[i];
		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
			if (errno == ENOENT)
				continue;
			return err_sys(e, "%s%s", w->path.data, name);
		}
		rc = t->one(t->arg, fd, w->path.data, name, &st, e);
		if (rc == -1)
			return -1;
		if (rc == 1 && S_ISDIR(st.st_mode) &&
		    buf_add(&w->found, name, strlen(name) + 1) == -1)
			return no_mem(e);
	}
	return 0;
}

/* The first part of the list is there. */
static int
names(struct way *w, int fd, struct err *e)
{
	char after[NAME_MAX + 1];

	for (;;) {
		if (each(w, fd, e) == -1)
			return -1;
		if (!w->list.more || w->list.n == 0)
			return 0;
		snprintf(after, sizeof(after), "%s",
		    w->list.names + w->list.at[w->list.n - 1]);
		if (walk_list(fd, after, &w->list, e) == -1)
			return err_wrap(e, "%s", w->path.data);
	}
}

/* What was found is to be gone into next, the first name first. */
static int
push_found(struct way *w, struct err *e)
{
	struct buf name;
	int rc = 0;

	buf_init(&name, NAME_MAX);
	while (rc == 0 && w->found.len > 0) {
		rc = pop(&w->found, &name, e);
		if (rc == 0 && (buf_addf(&w->wait, "%s%s/", w->path.data,
		    name.data) == -1 || buf_addc(&w->wait, '\0') == -1))
			rc = no_mem(e);
	}
	buf_clear(&name);
	return rc;
}

static int
folder(struct way *w, struct err *e)
{
	const struct treewalk *t = w->t;
	int fd, rc;

	if (walk_open(t->root, w->path.data, &fd, e) == -1) {
		if (!gone(errno))
			return err_wrap(e, "%s", w->path.data);
		if (e != NULL)
			*e = (struct err)ERR_INIT;
		return 0;
	}
	if (walk_list(fd, "", &w->list, e) == -1)
		rc = err_wrap(e, "%s", w->path.data);
	else
		rc = t->begin == NULL ? 1 :
		    t->begin(t->arg, fd, w->path.data, e);
	if (rc == 1) {
		rc = names(w, fd, e);
		if (rc == 0 && t->end != NULL)
			rc = t->end(t->arg, fd, w->path.data, e);
	}
	close(fd);
	return rc == 0 ? push_found(w, e) : rc;
}

int
treewalk_run(const struct treewalk *t, struct err *e)
{
	struct way w = { .t = t };
	int rc;

	buf_init(&w.wait, TREEWALK_MAX);
	buf_init(&w.found, TREEWALK_MAX);
	buf_init(&w.path, TREEWALK_MAX);
	rc = buf_add(&w.wait, t->start, strlen(t->start) + 1) == -1 ?
	    no_mem(e) : 0;
	while (rc == 0 && w.wait.len > 0) {
		rc = pop(&w.wait, &w.path, e);
		if (rc == 0)
			rc = folder(&w, e);
	}
	buf_clear(&w.wait);
	buf_clear(&w.found);
	buf_clear(&w.path);
	walk_list_clear(&w.list);
	return rc;
}
