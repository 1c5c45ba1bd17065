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

#include "base/buf.h"
#include "store_begun.h"
#include "store_btrfs.h"
#include "store_file.h"
#include "store_list.h"
#include "walk.h"

#define BLOCK 512		/* of st_blocks: stat(2) */
#define PATH_BYTES_MAX 16384
/* Of folders' names, on all levels: beyond that, few of a level at a time. */
#define HELD_MAX ((size_t)4 << 20)
#define FEW 4
/* An inode, of which a name of a file with several is a part. */
#define WHOLE ((uint64_t)1 << 20)
/* A smaller file that was changed counts in full: that is not opened. */
#define SMALL ((uint64_t)128 << 10)

/* A folder on the way to where we are. */
struct level {
	size_t path_len;	/* of its path, with the '/' */
	char *names;		/* owned: folders in it, each with its NUL */
	size_t len, cap, next;
	bool more;		/* names behind after were not listed */
	char after[NAME_MAX + 1];
};

struct weigh {
	const atomic_bool *stop;
	int root, prev;		/* prev -1: nothing to compare with */
	bool twins;
	struct buf path;
	struct walk_list list;	/* of the part at hand */
	struct level *levels;
	size_t n, cap;
	size_t held;		/* bytes of all names */
	uint64_t bytes, all_bytes, names;
	uint64_t inodes;	/* in parts of WHOLE */
};

static bool
stopped(const struct weigh *w)
{
	return w->stop != NULL && atomic_load(w->stop);
}

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

/* A folder to come. */
static int
hold(struct weigh *w, struct level *l, const char *name, struct err *e)
{
	size_t n = strlen(name) + 1;
	char *more;

	if (l->len + n > l->cap) {
		more = realloc(l->names, l->len + n + l->len / 2);
		if (more == NULL)
			return no_mem(e);
		l->names = more;
		l->cap = l->len + n + l->len / 2;
	}
	memcpy(l->names + l->len, name, n);
	l->len += n;
	w->held += n;
	return 0;
}

/* What the file name, of so many bytes of blocks, has for itself: rsync has
 * changed it in place, in a snapshot of another one. */
static uint64_t
own(const struct weigh *w, int dirfd, const char *name, uint64_t bytes)
{
	uint64_t n;
	int fd;

	if (bytes < SMALL)
		return bytes;
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return bytes;
	if (store_btrfs_own(fd, w->stop, &n) == 0 && n < bytes)
		bytes = n;
	close(fd);
	return bytes;
}

static int
take(struct weigh *w, struct level *l, int fd, int prev, const char *name,
    struct err *e)
{
	uint64_t bytes, links;
	struct stat st, old;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	bytes = (uint64_t)st.st_blocks * BLOCK;
	links = st.st_nlink > 0 ? (uint64_t)st.st_nlink : 1;
	w->all_bytes += bytes;
	w->names++;
	if (S_ISDIR(st.st_mode)) {
		w->bytes += bytes;
		w->inodes += WHOLE;
		return hold(w, l, name, e);
	}
	if (prev != -1 && fstatat(prev, name, &old, AT_SYMLINK_NOFOLLOW) == 0) {
		if (walk_same(&st, &old, w->twins))
			return 0;
		if (w->twins && S_ISREG(st.st_mode) &&
		    st.st_ino == old.st_ino)
			bytes = own(w, fd, name, bytes);
	}
	w->bytes += bytes / links;
	w->inodes += WHOLE / links;
	return 0;
}

/* The next names in the folder of l, which is at w->path. */
static int
part(struct weigh *w, struct level *l, struct err *e)
{
	struct walk_list *v = &w->list;
	struct err none = ERR_INIT, why = ERR_INIT;
	int fd = -1, prev = -1, rc = -1;
	size_t i;

	w->held -= l->len;
	l->len = l->next = 0;
	l->more = false;
	if (walk_open(w->root, w->path.data, &fd, &why) == -1) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
			return 0;
		if (e != NULL)
			*e = why;
		return -1;
	}
	if (w->prev != -1)
		(void)walk_open(w->prev, w->path.data, &prev, &none);
	/* The first part, of the root, is a full one: it allocates. */
	v->max = w->held > HELD_MAX ? FEW : WALK_PART;
	if (walk_list(fd, l->after, v, e) == -1)
		goto out;
	rc = 0;
	for (i = 0; i < v->n && rc == 0 && !stopped(w); i++)
		rc = take(w, l, fd, prev, v->names + v->at[i], e);
	l->more = v->more;
	if (v->n > 0)
		snprintf(l->after, sizeof(l->after), "%s",
		    v->names + v->at[v->n - 1]);
out:
	close(fd);
	if (prev != -1)
		close(prev);
	return rc;
}

/* Into the folder name of the one at hand ("/": the root). */
static int
enter(struct weigh *w, const char *name, struct err *e)
{
	struct level *more;

	if (w->n == w->cap) {
		more = reallocarray(w->levels, w->cap + 32, sizeof(*more));
		if (more == NULL)
			return no_mem(e);
		w->levels = more;
		w->cap += 32;
	}
	if (w->path.len + strlen(name) + 1 >= PATH_BYTES_MAX)
		return err_set(e, ERR_REFUSED, "a path of more than %d bytes",
		    PATH_BYTES_MAX);
	if (buf_addf(&w->path, "%s%s", name, w->n > 0 ? "/" : "") == -1)
		return no_mem(e);
	w->levels[w->n] = (struct level){ .path_len = w->path.len };
	return part(w, &w->levels[w->n++], e);
}

static void
leave(struct weigh *w)
{
	struct level *l = &w->levels[--w->n];

	w->held -= l->len;
	free(l->names);
	if (w->n == 0)
		return;
	w->path.len = w->levels[w->n - 1].path_len;
	w->path.data[w->path.len] = '\0';
}

static int
all(struct weigh *w, struct err *e)
{
	struct level *l;
	const char *name;
	int rc = enter(w, "/", e);

	while (rc == 0 && w->n > 0 && !stopped(w)) {
		l = &w->levels[w->n - 1];
		if (l->next < l->len) {
			name = l->names + l->next;
			l->next += strlen(name) + 1;
			rc = enter(w, name, e);
		} else if (l->more) {
			rc = part(w, l, e);
		} else {
			leave(w);
		}
	}
	return rc;
}

static void
weigh_clear(struct weigh *w)
{
	while (w->n > 0)
		leave(w);
	free(w->levels);
	walk_list_clear(&w->list);
	buf_clear(&w->path);
	close(w->root);
	if (w->prev != -1)
		close(w->prev);
}

int
store_weigh(const struct store_client *c, const char *prev,
    const atomic_bool *stop, struct store_weight *ret, struct err *e)
{
	struct weigh w = { .stop = stop, .root = -1, .prev = -1, .names = 1,
		.inodes = WHOLE };
	struct err why = ERR_INIT;
	int rc = -1;

	if (store_file_dir(c->fd, c->path, STORE_INCOMING, &w.root, e) == -1)
		return -1;
	buf_init(&w.path, PATH_BYTES_MAX);
	/* Who has not the client's lock may find it gone. */
	if (prev[0] != '\0' &&
	    store_file_dir(c->fd, c->path, prev, &w.prev, &why) == -1 &&
	    (why.code != ERR_SYS || errno != ENOENT)) {
		if (e != NULL)
			*e = why;
		goto out;
	}
	w.twins = w.prev != -1 && walk_twins(w.root, w.prev);
	rc = all(&w, e);
	if (rc == 0)
		*ret = (struct store_weight){ .bytes = w.bytes,
			.inodes = (w.inodes + WHOLE / 2) / WHOLE,
			.all_bytes = w.all_bytes, .names = w.names };
out:
	weigh_clear(&w);
	return rc;
}

int
store_weigh_left(const struct store_client *c, struct store_weight *ret,
    struct err *e)
{
	const struct store_snap *basis;
	struct store_list l = { 0 };
	struct store_begun begun;
	struct err why = ERR_INIT;
	const char *prev = "";
	struct stat st;
	int rc;

	if (fstatat(c->fd, STORE_INCOMING, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 :
		    err_sys(e, "%s/" STORE_INCOMING, c->path);
	if (store_list_read(c, &l, e) == -1)
		return -1;
	basis = store_list_basis(&l, c->store->now());
	if (store_begun_get(c, &begun))
		prev = begun.basis;
	else if (basis != NULL)
		prev = basis->name;
	rc = store_weigh(c, prev, NULL, ret, &why);
	store_list_clear(&l);
	if (rc == 0)
		return 1;
	/* It has become a snapshot since, or is removed. */
	if (fstatat(c->fd, STORE_INCOMING, &st, AT_SYMLINK_NOFOLLOW) == -1 &&
	    errno == ENOENT)
		return 0;
	if (e != NULL)
		*e = why;
	return -1;
}
