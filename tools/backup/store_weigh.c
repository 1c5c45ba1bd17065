/* SPDX-License-Identifier: ISC */
#include "store_weigh.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strv.h"
#include "store_file.h"
#include "walk.h"

#define BLOCK 512		/* of st_blocks: stat(2) */
#define TODO_MAX ((size_t)1 << 22)

struct weigh {
	const atomic_bool *stop;
	int root, prev;		/* prev -1: nothing to compare with */
	bool twins;
	struct strv todo;	/* folders, "/a/b/" */
	uint64_t bytes;
};

static bool
stopped(const struct weigh *w)
{
	return w->stop != NULL && atomic_load(w->stop);
}

static int
take(struct weigh *w, int fd, int prev, const char *path, const char *name,
    struct err *e)
{
	struct stat st, old;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	if (S_ISDIR(st.st_mode)) {
		w->bytes += (uint64_t)st.st_blocks * BLOCK;
		return strv_addf(&w->todo, "%s%s/", path, name) == 0 ? 0 :
		    err_set(e, ERR_MEM, "out of memory");
	}
	if (prev != -1 && fstatat(prev, name, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
	    walk_same(&st, &old, w->twins))
		return 0;
	w->bytes += (uint64_t)st.st_blocks * BLOCK /
	    (st.st_nlink > 0 ? (uint64_t)st.st_nlink : 1);
	return 0;
}

static int
folder(struct weigh *w, const char *path, struct err *e)
{
	struct walk_list l = { 0 };
	struct err none = ERR_INIT;
	char after[NAME_MAX + 1] = "";
	int fd = -1, prev = -1, rc = -1;
	const char *name = "";
	size_t i;

	if (walk_open(w->root, path, &fd, e) == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
		    0 : -1;
	if (w->prev != -1)
		(void)walk_open(w->prev, path, &prev, &none);
	do {
		if (walk_list(fd, after, &l, e) == -1)
			goto out;
		for (i = 0; i < l.n && !stopped(w); i++) {
			name = l.names + l.at[i];
			if (take(w, fd, prev, path, name, e) == -1)
				goto out;
		}
		snprintf(after, sizeof(after), "%s", name);
	} while (l.more && !stopped(w));
	rc = 0;
out:
	walk_list_clear(&l);
	close(fd);
	if (prev != -1)
		close(prev);
	return rc;
}

int
store_weigh(const struct store_client *c, const char *prev,
    const atomic_bool *stop, uint64_t *ret, struct err *e)
{
	struct weigh w = { .stop = stop, .root = -1, .prev = -1,
		.todo = { .max = TODO_MAX } };
	char *path;
	int rc = -1;

	if (store_file_dir(c->fd, c->path, STORE_INCOMING, &w.root, e) == -1)
		return -1;
	if (prev[0] != '\0' &&
	    store_file_dir(c->fd, c->path, prev, &w.prev, e) == -1)
		goto out;
	w.twins = w.prev != -1 && walk_twins(w.root, w.prev);
	if (strv_add(&w.todo, "/") == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	while (w.todo.n > 0 && !stopped(&w)) {
		path = w.todo.v[--w.todo.n];
		w.todo.v[w.todo.n] = NULL;
		rc = folder(&w, path, e);
		free(path);
		if (rc == -1)
			goto out;
	}
	*ret = w.bytes;
	rc = 0;
out:
	strv_clear(&w.todo);
	close(w.root);
	if (w.prev != -1)
		close(w.prev);
	return rc;
}
