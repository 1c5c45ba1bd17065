/* SPDX-License-Identifier: ISC */
#include "store_fill.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plain.h"
#include "store_copy.h"
#include "store_loose.h"
#include "store_rmtree.h"
#include "sys/beneath.h"
#include "treewalk.h"
#include "walk.h"

/* --- hardlink, after rsync --- */

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
	/* One that changed rsync has brought, and others that it passed. */
	if ((said & CHANGES_NEW) == 0 && mkdirat(f->fd, name, 0700) == -1 && errno != EEXIST)
		return err_sys(e, "%s%s%.200s", f->where, dir, name);
	return 1;
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

/* --- btrfs, before rsync --- */

/* The folder that has path, and path's last part: 1; 0: there is none. */
static int
parent(int incoming, const char *where, const char *path, int *ret_fd,
    const char **ret_name, struct err *e)
{
	char dir[PLAIN_MAX + 1];
	const char *slash = strrchr(path, '/');

	*ret_name = slash + 1;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	*ret_fd = beneath_open(incoming, dir, O_RDONLY | O_DIRECTORY, 0);
	if (*ret_fd != -1)
		return 1;
	return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 :
	    err_sys(e, "%s%s", where, dir);
}

static int
take_away(int fd, const char *where, const char *name, struct err *e)
{
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : err_sys(e, "%s/…/%.200s", where,
		    name);
	if (S_ISDIR(st.st_mode))
		return store_rmtree(fd, where, name, e);
	return unlinkat(fd, name, 0) == 0 || errno == ENOENT ? 0 :
	    err_sys(e, "%s/…/%.200s: removing it", where, name);
}

/* Of a folder all names were told: the others go. */
static int
only_told(int incoming, const char *where, const char *path,
    const struct changes *c, struct err *e)
{
	char after[NAME_MAX + 1] = "", one[PLAIN_MAX + NAME_MAX + 2];
	struct walk_list list = { .n = 0 };
	int fd, rc = 0;
	size_t i;

	fd = beneath_open(incoming, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR ||
		    errno == ELOOP ? 0 : err_sys(e, "%s%s", where, path);
	do {
		rc = walk_list(fd, after, &list, e);
		for (i = 0; rc == 0 && i < list.n; i++) {
			snprintf(after, sizeof(after), "%s",
			    list.names + list.at[i]);
			snprintf(one, sizeof(one), "%s/%s", path, after);
			if (changes_find(c, one) == 0)
				rc = take_away(fd, where, after, e);
		}
	} while (rc == 0 && list.more && list.n > 0);
	walk_list_clear(&list);
	close(fd);
	return rc;
}

static int
each(int incoming, const char *where, const struct changes *c, char sign,
    struct err *e)
{
	const char *name;
	int fd, rc = 0;
	size_t i;

	for (i = 0; rc == 0 && i < c->n; i++) {
		if (c->v[i][0] != sign)
			continue;
		if (sign == '=') {
			rc = only_told(incoming, where, c->v[i] + 1, c, e);
			continue;
		}
		rc = parent(incoming, where, c->v[i] + 1, &fd, &name, e);
		if (rc != 1)
			continue;
		rc = sign == '-' ? take_away(fd, where, name, e) :
		    store_loosen_name(fd, where, name, e);
		close(fd);
	}
	return rc;
}

/* What is gone goes first: what was two names of one file may be one by then.
 */
int
store_fill_before(int incoming, const char *where, const struct changes *c,
    struct err *e)
{
	return each(incoming, where, c, '-', e) == -1 ||
	    each(incoming, where, c, '=', e) == -1 ? -1 :
	    each(incoming, where, c, '+', e);
}
