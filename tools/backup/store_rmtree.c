/* SPDX-License-Identifier: ISC */
#include "store_rmtree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

#define OPEN_MAX_DIRS	64
#define NAMES_MAX	((size_t)1 << 30)	/* bytes of all names on the way */

/* One folder on the way down. */
struct level {
	DIR *dir;		/* NULL while it is closed */
	long at;		/* where to read on then */
	dev_t dev;
	ino_t ino;
	size_t name_at;		/* where its name begins in names */
	bool removed;		/* something, since it was last read whole */
};

struct walk {
	struct level *v;	/* owned; the outermost first */
	size_t n, cap;
	size_t open_from;	/* levels before this one are closed */
	struct buf names;	/* each with its NUL */
	uint64_t mount;		/* that all of it has to be on */
	int dirfd;		/* borrowed: where the tree is */
	const char *where, *top;
	struct err *e;		/* the first failure */
	bool failed;
};

/* Note a failure at name in the folder where we are; the first one is told. */
static void
failed(struct walk *w, const char *name, const char *what)
{
	int saved = errno;

	if (w->failed)
		return;
	w->failed = true;
	/* Names of a peer's: err's messages are escaped when printed. */
	if (what != NULL)
		err_set(w->e, ERR_UNSAFE, "%s/%s: …/%.200s: %s", w->where,
		    w->top, name, what);
	else if (saved == ENOMEM)
		err_set(w->e, ERR_MEM, "out of memory");
	else {
		errno = saved;
		err_sys(w->e, "%s/%s: …/%.200s: removing it", w->where,
		    w->top, name);
	}
}

/* The mount that fd is on, as statx(2) has it; 0 when it doesn't say. */
static uint64_t
mount_of(int fd)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID,
	    &sx) == -1 || (sx.stx_mask & STATX_MNT_ID) == 0)
		return 0;
	return sx.stx_mnt_id;
}

/* Make name in dirfd a folder that we can read, search and write. */
static int
unlock_dir(int dirfd, const char *name)
{
	char path[32];
	int fd, rc;

	fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		return -1;
	/* A chmod that can't follow a link has to go by the descriptor. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = chmod(path, 0700);
	close(fd);
	return rc;
}

static int
open_dir(int dirfd, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, fd;

	fd = openat(dirfd, name, flags);
	if (fd == -1 && errno == EACCES && unlock_dir(dirfd, name) == 0)
		fd = openat(dirfd, name, flags);
	return fd;
}

/* The level's folder becomes fd (taken, also on failure). */
static int
set_dir(struct level *l, int fd)
{
	l->dir = fdopendir(fd);
	if (l->dir == NULL) {
		close(fd);
		return -1;
	}
	return 0;
}

/* Room for one more level: 0, or -1 with errno ENOMEM. */
static int
grow(struct walk *w)
{
	struct level *more;

	if (w->n < w->cap)
		return 0;
	more = reallocarray(w->v, w->cap > 0 ? w->cap * 2 : 32,
	    sizeof(*more));
	if (more == NULL)
		return -1;
	w->cap = w->cap > 0 ? w->cap * 2 : 32;
	w->v = more;
	return 0;
}

/* Go into the folder name of dirfd, the innermost so far. 0, or -1 when it
 * was left alone (noted, unless it is gone). */
static int
down(struct walk *w, int dirfd, const char *name)
{
	struct level l = { .name_at = w->names.len }, *outer;
	struct stat st;
	int fd;

	fd = open_dir(dirfd, name);
	if (fd == -1) {
		if (errno != ENOENT)
			failed(w, name, NULL);
		return -1;
	}
	if (fstat(fd, &st) == -1 || grow(w) == -1 ||
	    buf_add(&w->names, name, strlen(name) + 1) == -1) {
		failed(w, name, NULL);
		close(fd);
		return -1;
	}
	l.dev = st.st_dev;
	l.ino = st.st_ino;
	/* A subvolume has a device, but no mount, of its own. */
	if (mount_of(fd) != w->mount) {
		failed(w, name, "something is mounted on it");
		goto fail;
	}
	if ((st.st_mode & 0700) != 0700)
		(void)fchmod(fd, 0700);
	if (w->n - w->open_from >= OPEN_MAX_DIRS) {
		outer = &w->v[w->open_from++];
		outer->at = telldir(outer->dir);
		closedir(outer->dir);
		outer->dir = NULL;
	}
	if (set_dir(&l, fd) == -1) {
		failed(w, name, NULL);
		fd = -1;
		goto fail;
	}
	w->v[w->n++] = l;
	return 0;
fail:
	if (fd != -1)
		close(fd);
	w->names.len = l.name_at;
	return -1;
}

/* Open the closed level above the innermost one again, by way of "..". */
static int
reopen_above(struct walk *w)
{
	struct level *l = &w->v[w->n - 2];
	struct stat st;
	int fd;

	fd = openat(dirfd(w->v[w->n - 1].dir), "..", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		failed(w, "..", NULL);
		if (fd != -1)
			close(fd);
		return -1;
	}
	if (st.st_dev != l->dev || st.st_ino != l->ino ||
	    mount_of(fd) != w->mount) {
		close(fd);
		failed(w, "..", "a folder was moved while it was removed");
		return -1;
	}
	if (set_dir(l, fd) == -1) {
		failed(w, "..", NULL);
		return -1;
	}
	/* Behind the one that we come from: it may have had to stay. */
	seekdir(l->dir, l->at);
	w->open_from = w->n - 2;
	return 0;
}

/* Leave the innermost folder and remove it: 1 it stays, with something new in
 * it; 0; -1 the way up is lost. */
static int
up(struct walk *w)
{
	struct level *l = &w->v[w->n - 1];
	const char *name = w->names.data + l->name_at;
	int above = w->dirfd;

	if (w->n > 1) {
		if (w->v[w->n - 2].dir == NULL && reopen_above(w) == -1)
			return -1;
		above = dirfd(w->v[w->n - 2].dir);
	}
	if (unlinkat(above, name, AT_REMOVEDIR) == 0) {
		if (w->n > 1)
			w->v[w->n - 2].removed = true;
	} else if (errno == ENOTEMPTY && l->removed) {
		/* Entries that moved while they were read are seen now. */
		l->removed = false;
		rewinddir(l->dir);
		return 1;
	} else if (errno != ENOENT) {
		failed(w, name, NULL);
	}
	closedir(l->dir);
	w->names.len = l->name_at;
	w->n--;
	return 0;
}

/* Remove the entry d of the innermost folder, or go into it. */
static void
entry(struct walk *w, const struct dirent *d)
{
	struct level *l = &w->v[w->n - 1];
	int fd = dirfd(l->dir);

	if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
		return;
	if (d->d_type != DT_DIR) {
		if (unlinkat(fd, d->d_name, 0) == 0) {
			l->removed = true;
			return;
		}
		if (errno == ENOENT)
			return;
		if (errno != EISDIR) {
			failed(w, d->d_name, NULL);
			return;
		}
	}
	(void)down(w, fd, d->d_name);
}

int
store_rmtree(int dirfd, const char *where, const char *name, struct err *e)
{
	struct walk w = { .dirfd = dirfd, .where = where, .top = name,
	    .e = e };
	struct dirent *d;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISDIR(st.st_mode))
		return unlinkat(dirfd, name, 0) == 0 ? 0 :
		    err_sys(e, "%s/%s: removing it", where, name);
	buf_init(&w.names, NAMES_MAX);
	w.mount = mount_of(dirfd);
	(void)down(&w, dirfd, name);
	while (w.n > 0) {
		errno = 0;
		d = readdir(w.v[w.n - 1].dir);
		if (d != NULL) {
			entry(&w, d);
			continue;
		}
		if (errno != 0)
			failed(&w, ".", NULL);
		if (up(&w) == -1)
			break;
	}
	while (w.n > 0) {
		w.n--;
		if (w.v[w.n].dir != NULL)
			closedir(w.v[w.n].dir);
	}
	free(w.v);
	buf_clear(&w.names);
	return w.failed ? -1 : 0;
}
