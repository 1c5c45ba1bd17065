/* SPDX-License-Identifier: ISC */
#include "store_fill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plain.h"
#include "store_copy.h"
#include "sys/beneath.h"
#include "treewalk.h"

/* A file that has no room for another name, and its copy's path. */
struct again {
	ino_t ino;
	char *path;		/* owned; below .incoming */
};

struct fill {
	int incoming;
	const char *where;
	const struct changes *changes;
	int fd;			/* of the folder in .incoming that we are in,
				 * or -1 */
	struct stat st;		/* as it was then */
	bool all;		/* what is not told of it is gone */
	const atomic_bool *stop;
	struct again *again;	/* owned; a hash of cap, ino 0 is free */
	size_t n, cap;
};

/* "/a/b/" is known as "/a/b" in the changes. */
static int
said_of(const struct fill *f, const char *dir, const char *name)
{
	char path[PLAIN_MAX + 1];
	int n = snprintf(path, sizeof(path), "%s%s", dir, name);

	if (n < 1 || (size_t)n >= sizeof(path))
		return 0;
	if (n > 1 && path[n - 1] == '/')
		path[n - 1] = '\0';
	return changes_find(f->changes, path);
}

/* A treewalk.begin: of the same folder in the snapshot before. */
static int
begin(void *arg, int fd, const char *path, struct err *e)
{
	struct fill *f = arg;

	f->fd = beneath_open(f->incoming, path, O_RDONLY | O_DIRECTORY, 0);
	/* rsync did not bring it: it vanished meanwhile. */
	if (f->fd == -1)
		return errno == ENOENT || errno == ENOTDIR ||
		    errno == ELOOP ? 0 : err_sys(e, "%s%s", f->where, path);
	if (fstat(f->fd, &f->st) == -1)
		return err_sys(e, "%s%s", f->where, path);
	f->all = (said_of(f, path, "") & CHANGES_ALL) != 0;
	/* A plain user may link into what it may write to. */
	if ((f->st.st_mode & 0300) != 0300 && geteuid() != 0)
		(void)fchmod(f->fd, 0700);
	return 1;
}

/* Where ino's copy is noted, or would be. */
static struct again *
slot(const struct fill *f, ino_t ino)
{
	size_t i = (size_t)((uint64_t)ino * 0x9e3779b97f4a7c15) & (f->cap - 1);

	while (f->again[i].ino != 0 && f->again[i].ino != ino)
		i = (i + 1) & (f->cap - 1);
	return &f->again[i];
}

static int
grow(struct fill *f)
{
	struct fill old = *f;
	size_t i;

	f->cap = old.cap > 0 ? old.cap * 2 : 64;
	f->again = calloc(f->cap, sizeof(*f->again));
	if (f->again == NULL) {
		*f = old;
		return -1;
	}
	for (i = 0; i < old.cap; i++)
		if (old.again[i].ino != 0)
			*slot(f, old.again[i].ino) = old.again[i];
	free(old.again);
	return 0;
}

/* A file has as many names as may be: a copy of it, which its further names are
 * linked to. */
static int
link_copy(struct fill *f, int fd, const char *dir, const char *name,
    const struct stat *st, struct err *e)
{
	struct again *a;
	char *path;

	if (f->n * 2 >= f->cap && grow(f) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	a = slot(f, st->st_ino);
	if (a->ino != 0 && linkat(f->incoming, a->path, f->fd, name, 0) == 0)
		return 0;
	if (store_copy_file(fd, name, st, f->fd, e) == -1)
		return -1;
	if (asprintf(&path, "%s%s", dir + 1, name) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	f->n += a->ino == 0;
	free(a->path);
	*a = (struct again){ st->st_ino, path };
	return 0;
}

static int
link_one(struct fill *f, int fd, const char *dir, const char *name,
    const struct stat *st, struct err *e)
{
	if (linkat(fd, name, f->fd, name, 0) == 0 || errno == EEXIST)
		return 0;
	if (errno == EMLINK && S_ISREG(st->st_mode))
		return link_copy(f, fd, dir, name, st, e);
	return err_sys(e, "%s%s%.200s: linking it", f->where, dir, name);
}

/* Of a folder that was made here, before its names come: as it was. */
static int
as_it_was(const struct fill *f, int fd, const char *name,
    const struct stat *st, struct err *e)
{
	int rc = -1, to = -1;
	int from = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);

	if (from != -1)
		to = openat(f->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
	if (to != -1)
		rc = store_copy_meta(from, st, to, e);
	else
		err_sys(e, "…/%.200s", name);
	if (from != -1)
		close(from);
	if (to != -1)
		close(to);
	return rc;
}

/* One that has what is not told. If rsync met with none, or with something else
 * in its place, it was moved away for that moment: what lies in it is not asked
 * for again, so it is here as it was. */
static int
folder(const struct fill *f, int fd, const char *dir, const char *name,
    const struct stat *st, bool changed, struct err *e)
{
	struct stat now;

	if (mkdirat(f->fd, name, 0700) == -1) {
		if (errno != EEXIST || fstatat(f->fd, name, &now,
		    AT_SYMLINK_NOFOLLOW) == -1)
			return err_sys(e, "%s%s%.200s", f->where, dir, name);
		if (S_ISDIR(now.st_mode))
			return 1;
		if (unlinkat(f->fd, name, 0) == -1 ||
		    mkdirat(f->fd, name, 0700) == -1)
			return err_sys(e, "%s%s%.200s", f->where, dir, name);
	}
	/* end() sees to what is not told at all. */
	if (changed && as_it_was(f, fd, name, st, e) == -1)
		return err_wrap(e, "%s%s", f->where, dir);
	return 1;
}

/* A treewalk.one */
static int
one(void *arg, int fd, const char *dir, const char *name,
    const struct stat *st, struct err *e)
{
	struct fill *f = arg;
	int said = said_of(f, dir, name);

	if (f->stop != NULL && atomic_load(f->stop))
		return err_set(e, ERR_REFUSED, "it was given up");
	if ((said & CHANGES_GONE) != 0 || (said == 0 && f->all))
		return 0;
	if (!S_ISDIR(st->st_mode))
		return (said & CHANGES_NEW) != 0 ? 0 :
		    link_one(f, fd, dir, name, st, e);
	/* rsync has brought what is new, and whatever it is. */
	if ((said & CHANGES_NEW) != 0 && (said & CHANGES_KEPT) == 0)
		return 1;
	return folder(f, fd, dir, name, st, (said & CHANGES_NEW) != 0, e);
}

/* A treewalk.end */
static int
end(void *arg, int fd, const char *path, struct err *e)
{
	struct fill *f = arg;
	const struct timespec times[2] = { f->st.st_atim, f->st.st_mtim };
	struct stat st;
	int rc = 0;

	/* One that is as it was is so in all: rsync, too, has it from there.
	 * The other has changed with each link. */
	if ((said_of(f, path, "") & CHANGES_NEW) == 0) {
		rc = fstat(fd, &st) == 0 ? store_copy_meta(fd, &st, f->fd,
		    e) : err_sys(e, "fstat");
	} else if (((f->st.st_mode & 0300) != 0300 && geteuid() != 0 &&
	    fchmod(f->fd, f->st.st_mode & 07777) == -1) ||
	    futimens(f->fd, times) == -1) {
		rc = err_sys(e, "its mode or times");
	}
	close(f->fd);
	f->fd = -1;
	return rc == 0 ? 0 : err_wrap(e, "%s%s", f->where, path);
}

int
store_fill_after(int prev, int incoming, const char *where,
    const struct changes *c, const atomic_bool *stop, struct err *e)
{
	struct fill f = { .incoming = incoming, .where = where,
		.changes = c, .fd = -1, .stop = stop };
	const struct treewalk t = { .root = prev, .start = "/",
		.begin = begin, .one = one, .end = end, .arg = &f };
	int rc = treewalk_run(&t, e);
	size_t i;

	if (f.fd != -1)
		close(f.fd);
	for (i = 0; i < f.cap; i++)
		free(f.again[i].path);
	free(f.again);
	return rc;
}

int
store_fill_top(int incoming, const char *where, int64_t top_ns,
    struct err *e)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
	    { top_ns / 1000000000, top_ns % 1000000000 } };

	return futimens(incoming, times) == 0 ? 0 : err_sys(e, "%s", where);
}
