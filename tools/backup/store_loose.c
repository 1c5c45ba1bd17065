/* SPDX-License-Identifier: ISC */
#include "store_loose.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descend.h"
#include "store_copy.h"
#include "store_rmtree.h"

#define TEMP ".postern-%u"
#define TEMP_TRIES 1000
#define SEEN_MAX ((size_t)1 << 20)	/* 8 MiB of inode numbers */

struct loosen {
	const char *where;
	bool copies;		/* btrfs */
	uint64_t *seen;		/* owned; a hash of cap, 0 is free */
	size_t n, cap;
	unsigned temp;
};

/* --- inodes whose first name was met --- */

static size_t
slot(const struct loosen *l, uint64_t ino)
{
	size_t i = (size_t)(ino * 0x9e3779b97f4a7c15) & (l->cap - 1);

	while (l->seen[i] != 0 && l->seen[i] != ino)
		i = (i + 1) & (l->cap - 1);
	return i;
}

static int
grow(struct loosen *l)
{
	struct loosen old = *l;
	size_t i;

	l->cap = old.cap > 0 ? old.cap * 2 : 64;
	l->seen = calloc(l->cap, sizeof(*l->seen));
	if (l->seen == NULL) {
		*l = old;
		return -1;
	}
	for (i = 0; i < old.cap; i++)
		if (old.seen[i] != 0)
			l->seen[slot(l, old.seen[i])] = old.seen[i];
	free(old.seen);
	return 0;
}

/* Whether this is the first name of it: 1, 0; -1 out of memory. Past SEEN_MAX
 * no name is: the last one keeps the inode then. */
static int
is_first(struct loosen *l, uint64_t ino)
{
	size_t i;

	if (l->n * 2 >= l->cap && l->cap < SEEN_MAX && grow(l) == -1)
		return -1;
	i = slot(l, ino);
	if (l->seen[i] == ino || l->n * 2 >= l->cap)
		return 0;
	l->seen[i] = ino;
	l->n++;
	return 1;
}

/* --- names of one inode --- */

static int
drop(const struct loosen *l, int dirfd, const char *name, struct err *e)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	return err_sys(e, "%s: …/%.200s: removing it", l->where, name);
}

/* A new file of the folder, with a name that was free: -1 when there is none.
 */
static int
make_temp(struct loosen *l, int dirfd, char name[32])
{
	int fd, i;

	for (i = 0; i < TEMP_TRIES; i++) {
		snprintf(name, 32, TEMP, l->temp++);
		fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL |
		    O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd != -1 || errno != EEXIST)
			return fd;
	}
	return -1;
}

/* All of it: rsync may not come to it. */
static int
fill(int out, int in, const struct stat *st)
{
	return ioctl(out, FICLONE, in) == -1 ? -1 :
	    store_copy_meta(in, st, out, NULL);
}

/* Puts a copy in the place of name: whether it could. */
static bool
copy(struct loosen *l, int dirfd, const char *name, const struct stat *st)
{
	int in, out = -1;
	struct stat now;
	char temp[32];
	bool done = false;

	in = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	if (in == -1)
		return false;
	if (fstat(in, &now) == 0 && now.st_ino == st->st_ino &&
	    S_ISREG(now.st_mode))
		out = make_temp(l, dirfd, temp);
	if (out != -1) {
		done = fill(out, in, &now) == 0 &&
		    renameat(dirfd, temp, dirfd, name) == 0;
		close(out);
		if (!done)
			(void)unlinkat(dirfd, temp, 0);
	}
	close(in);
	return done;
}

static int
loosen_one(void *arg, int dirfd, const char *name, const struct stat *st,
    struct err *e)
{
	struct loosen *l = arg;
	int first;

	if (S_ISDIR(st->st_mode))
		return 1;
	if (st->st_nlink < 2)
		return 0;
	if (!l->copies)
		return drop(l, dirfd, name, e);
	first = is_first(l, st->st_ino);
	if (first == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (first == 1 || (S_ISREG(st->st_mode) && copy(l, dirfd, name, st)))
		return 0;
	return drop(l, dirfd, name, e);
}

int
store_loosen(int root, const char *where, enum store_backend b,
    struct err *e)
{
	struct loosen l = { .where = where, .copies = b == STORE_BTRFS };
	const struct descend d = { .root = root, .where = where,
		.one = loosen_one, .arg = &l };
	int rc = descend_run(&d, e);

	free(l.seen);
	return rc;
}

int
store_loosen_name(int fd, const char *where, const char *name, struct err *e)
{
	struct loosen l = { .where = where, .copies = true };
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : err_sys(e, "%s/…/%.200s", where,
		    name);
	if (S_ISDIR(st.st_mode) || st.st_nlink < 2 ||
	    (S_ISREG(st.st_mode) && copy(&l, fd, name, &st)))
		return 0;
	return drop(&l, fd, name, e);
}

/* --- parts of files --- */

struct tidy {
	const char *where;
};

static int
tidy_one(void *arg, int dirfd, const char *name, const struct stat *st,
    struct err *e)
{
	const struct tidy *t = arg;

	if (!S_ISDIR(st->st_mode))
		return 0;
	if (strcmp(name, STORE_PARTIAL) != 0)
		return 1;
	return store_rmtree(dirfd, t->where, name, e);
}

int
store_tidy(int root, const char *where, struct err *e)
{
	struct tidy t = { where };
	const struct descend d = { .root = root, .where = where,
		.one = tidy_one, .arg = &t };

	return descend_run(&d, e);
}
