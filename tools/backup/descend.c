/* SPDX-License-Identifier: ISC */
#include "descend.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "walk.h"

#define PATH_BYTES ((size_t)1 << 20)
#define PART_BYTES ((size_t)WALK_PART * (NAME_MAX + 1))

/* A folder on the way down. */
struct level {
	struct buf folders;	/* those of the part that was read: each name
				   with its NUL */
	size_t next, here;	/* in it: where to go into, where we are */
	size_t path_len;	/* of this folder's own path */
	bool unread;		/* there is more behind after */
	char after[NAME_MAX + 1];
};

struct way {
	const struct descend *d;
	struct level *v;	/* owned; the outermost first */
	size_t n, cap;
	size_t kept;		/* levels before this one were let go */
	size_t bytes, max;	/* of all names that wait */
	struct buf path;	/* "/a/b/" */
	struct walk_list list;
	dev_t dev;
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

/* The names of the list, in the folder fd. */
static int
each(struct way *w, struct level *l, int fd, struct err *e)
{
	const struct descend *d = w->d;
	const char *name;
	struct stat st;
	size_t i;
	int rc;

	for (i = 0; i < w->list.n; i++) {
		name = w->list.names + w->list.at[i];
		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
			if (errno == ENOENT)
				continue;
			return err_sys(e, "%s%s%s", d->where, w->path.data,
			    name);
		}
		rc = d->one(d->arg, fd, name, &st, e);
		if (rc == -1)
			return -1;
		if (rc == 1 && S_ISDIR(st.st_mode) && st.st_dev == w->dev &&
		    buf_add(&l->folders, name, strlen(name) + 1) == -1)
			return no_mem(e);
	}
	return 0;
}

/* Read the folder on, where its last part ended. */
static int
part(struct way *w, struct err *e)
{
	struct level *l = &w->v[w->n - 1];
	int fd, rc;

	l->unread = false;
	l->next = 0;
	w->bytes -= l->folders.len;
	buf_clear(&l->folders);
	if (walk_open(w->d->root, w->path.data, &fd, e) == -1) {
		if (!gone(errno))
			return err_wrap(e, "%s%s", w->d->where,
			    w->path.data);
		if (e != NULL)
			*e = (struct err)ERR_INIT;
		return 0;
	}
	rc = walk_list(fd, l->after, &w->list, e);
	if (rc == 0)
		rc = each(w, l, fd, e);
	close(fd);
	w->bytes += l->folders.len;
	if (w->kept >= w->n)
		w->kept = w->n - 1;
	if (rc == -1 || w->list.n == 0)
		return rc;
	l->unread = w->list.more;
	snprintf(l->after, sizeof(l->after), "%s",
	    w->list.names + w->list.at[w->list.n - 1]);
	return 0;
}

/* The outermost lists are read again, behind where we are, when it comes to
 * them; not the one above the innermost, which would be each time. */
static void
let_go(struct way *w)
{
	struct level *l;

	for (; w->bytes > w->max && w->kept + 2 < w->n; w->kept++) {
		l = &w->v[w->kept];
		snprintf(l->after, sizeof(l->after), "%s",
		    l->folders.data + l->here);
		l->unread = true;
		l->next = 0;
		w->bytes -= l->folders.len;
		buf_clear(&l->folders);
	}
}

/* Into the folder name of where we are; "" is the root. */
static int
down(struct way *w, const char *name, struct err *e)
{
	size_t cap = w->cap > 0 ? w->cap * 2 : 16;
	struct level *more;

	if (w->n == w->cap) {
		more = reallocarray(w->v, cap, sizeof(*more));
		if (more == NULL)
			return no_mem(e);
		w->v = more;
		w->cap = cap;
	}
	if (buf_addf(&w->path, "%s/", name) == -1)
		return no_mem(e);
	w->v[w->n] = (struct level){ .unread = true,
		.path_len = w->path.len };
	buf_init(&w->v[w->n].folders, PART_BYTES);
	w->n++;
	let_go(w);
	return 0;
}

static void
up(struct way *w)
{
	struct level *l = &w->v[--w->n];

	w->bytes -= l->folders.len;
	buf_clear(&l->folders);
	if (w->n > 0) {
		w->path.len = w->v[w->n - 1].path_len;
		w->path.data[w->path.len] = '\0';
	}
}

int
descend_run(const struct descend *d, struct err *e)
{
	struct way w = { .d = d, .list.max = d->part,
		.max = d->max > 0 ? d->max : DESCEND_MAX };
	struct level *l;
	struct stat st;
	int rc;

	if (fstat(d->root, &st) == -1)
		return err_sys(e, "%s", d->where);
	w.dev = st.st_dev;
	buf_init(&w.path, PATH_BYTES);
	rc = down(&w, "", e);
	while (rc == 0 && w.n > 0) {
		l = &w.v[w.n - 1];
		if (l->next < l->folders.len) {
			l->here = l->next;
			l->next += strlen(l->folders.data + l->here) + 1;
			rc = down(&w, l->folders.data + l->here, e);
		} else if (l->unread) {
			rc = part(&w, e);
		} else {
			up(&w);
		}
	}
	while (w.n > 0)
		up(&w);
	free(w.v);
	buf_clear(&w.path);
	walk_list_clear(&w.list);
	return rc;
}
