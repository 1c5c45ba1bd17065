/* SPDX-License-Identifier: ISC */
#include "scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "beside.h"
#include "exclude.h"
#include "fskind.h"
#include "plain.h"
#include "sys/beneath.h"
#include "treewalk.h"

struct scan {
	const struct scan_spec *spec;
	struct exclude exclude;
	struct beside old;
	struct seen_out out;
	struct scan_result *sum;
	const char *start;	/* of the walk: the root, with its '/' */
	dev_t root_dev, dev;	/* of the root; that .good is about */
	bool good;		/* the file system keeps inodes and ctimes */
	/* What lies below these is in doubt: a folder that moved while all was
	 * read (late); one that moved since the last look. Owned, or NULL. */
	char *moved, *stirred;
	bool shaken;		/* so did one above a root */
	bool young;		/* the folder at hand changed while all was read */
};

/* --- the walk --- */

static int
record(struct scan *s, const char *dir, const char *name,
    const struct stat *st, bool doubt, bool closed, struct err *e)
{
	struct seen_entry now = seen_of(st);

	if (doubt || now.ctime_ns >= s->spec->doubt_ns)
		now.flags |= SEEN_DOUBT;
	s->sum->files++;
	s->sum->bytes += S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	if (beside_name(&s->old, dir, name, st->st_nlink, closed, &now,
	    e) == -1)
		return -1;
	return seen_out_entry(&s->out, name, &now, e);
}

/* Whether path is below *prefix, which ends where the walk leaves it; if not,
 * it begins with path when it begins there. */
static int
below(char **prefix, const char *path, bool begins, bool *ret,
    struct err *e)
{
	if (*prefix != NULL && strncmp(path, *prefix, strlen(*prefix)) != 0) {
		free(*prefix);
		*prefix = NULL;
	}
	if (*prefix == NULL && begins && (*prefix = strdup(path)) == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	*ret = *prefix != NULL;
	return 0;
}

/* A treewalk.begin */
static int
begin(void *arg, int fd, const char *path, struct err *e)
{
	struct scan *s = arg;
	bool root = strcmp(path, s->start) == 0, stirred, moved;
	struct seen_entry now;
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "%s", path);
	if (s->spec->one_fs && st.st_dev != s->root_dev)
		return 0;
	if (st.st_dev != s->dev) {
		s->dev = st.st_dev;
		s->good = fskind_good(fd);
	}
	now = seen_of(&st);
	s->young = now.ctime_ns >= s->spec->doubt_ns;
	/* A root may not be in doubt for each name that comes into it: that
	 * sets its mtime as well. What else may be, steady.h sees. */
	if (below(&s->moved, path, s->spec->late && s->young && (!root ||
	    now.mtime_ns != now.ctime_ns), &moved, e) == -1 ||
	    below(&s->stirred, path, s->spec->old != NULL &&
	    now.ctime_ns >= s->old.in.head.begun_ns, &stirred, e) == -1)
		return -1;
	if (seen_out_folder(&s->out, path, s->spec->late && s->young, e) ==
	    -1 || beside_folder(&s->old, path, stirred || s->shaken, e) == -1)
		return -1;
	return 1;
}

static bool
left_out(const struct scan *s, const char *path, bool folder)
{
	size_t i;

	for (i = 0; i < s->spec->own->n; i++)
		if (strcmp(path, s->spec->own->v[i]) == 0)
			return true;
	return exclude_hit(&s->exclude, path, folder);
}

/* A treewalk.one */
static int
one(void *arg, int fd, const char *dir, const char *name,
    const struct stat *st, struct err *e)
{
	struct scan *s = arg;
	bool folder = S_ISDIR(st->st_mode), closed;
	char path[PLAIN_MAX + 1];
	size_t d = strlen(dir), n = strlen(name);

	/* rsync can't name it either. */
	if (d + n > PLAIN_MAX)
		return err_set(e, ERR_CONFIG, "%.100s…: too long a path", dir);
	memcpy(path, dir, d);
	memcpy(path + d, name, n + 1);
	if (left_out(s, path, folder))
		return 0;
	/* Where another file system is mounted, its top comes along. */
	closed = folder && (exclude_empty(&s->exclude, path) ||
	    (s->spec->one_fs && st->st_dev != s->root_dev));
	if (record(s, dir, name, st, !s->good || st->st_dev != s->dev ||
	    s->moved != NULL, closed, e) == -1)
		return -1;
	return folder && !closed;
}

/* A treewalk.end */
static int
end(void *arg, int fd, const char *path, struct err *e)
{
	struct scan *s = arg;
	struct stat st;

	/* A name that went after begin() looked was not met with, and the folder
	 * not said to be in doubt; but rsync may have taken it. */
	if (s->spec->late && !s->young) {
		if (fstat(fd, &st) == -1)
			return err_sys(e, "%s", path);
		if (seen_of(&st).ctime_ns >= s->spec->doubt_ns)
			return err_set(e, ERR_CONFIG, "%s: changed while it "
			    "was looked at", path);
	}
	return beside_end(&s->old, path, e);
}

/* --- the roots, and what is above them --- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
by_order(const void *a, const void *b)
{
	return seen_order(*(char *const *)a, *(char *const *)b);
}

/* "/", "/srv", "/srv/data" of the root "/srv/data", each once, in order. */
static int
ways(const struct strv *roots, struct strv *out, struct err *e)
{
	char path[PLAIN_MAX + 1];
	size_t i, n;
	int rc = strv_add(out, "/");

	for (i = 0; rc == 0 && i < roots->n; i++)
		for (n = 1; rc == 0 && roots->v[i][n] != '\0';) {
			n += strcspn(roots->v[i] + n, "/");
			memcpy(path, roots->v[i], n);
			path[n] = '\0';
			if (!strv_has(out, path))
				rc = strv_add(out, path);
			n += roots->v[i][n] == '/';
		}
	if (rc == -1)
		return err_set(e, ERR_MEM, "out of memory");
	qsort(out->v, out->n, sizeof(*out->v), by_name);
	return 0;
}

/* path and its file system, with no link on the way: rsync follows none. */
static int
look(int top, const char *path, struct stat *st, bool *ret_good,
    struct err *e)
{
	int fd = beneath_open(top, path, O_PATH, 0), rc;

	if (fd == -1)
		return err_sys(e, "%s", path);
	rc = fstat(fd, st) == 0 ? 0 : err_sys(e, "%s", path);
	*ret_good = fskind_good(fd);
	close(fd);
	return rc;
}

/* Of the top only its time is told. What sets the ctime and not the mtime is
 * another owner, or other attributes. */
static int
is_the_top(struct scan *s, const struct stat *st, struct err *e)
{
	const struct seen_entry *then = &s->old.in.entry, now = seen_of(st);

	s->sum->top_ns = now.mtime_ns;
	if (s->spec->old == NULL)
		return 0;
	if (!s->old.here || strcmp(s->old.in.name.data, "/") != 0 ||
	    then->ino != now.ino || then->mode != now.mode ||
	    (then->ctime_ns != now.ctime_ns && now.ctime_ns != now.mtime_ns))
		return err_set(e, ERR_CONFIG, "/ is another one, or has "
		    "another mode or owner");
	return now.mtime_ns >= 0 ? 0 : err_set(e, ERR_CONFIG, "the time of / "
	    "is before 1970");
}

/* Whether a folder above a root changed since the last look: then it may have
 * been another one while rsync read. Of a late look nothing would be left; so
 * only what is not a name that came or went counts, which sets the mtime as
 * well: it may have moved and come back. */
static int
above(struct scan *s, int top, const struct strv *v, struct err *e)
{
	struct seen_entry now;
	struct stat st;
	bool good;
	size_t i;

	for (i = 0; (s->spec->old != NULL || s->spec->late) && i < v->n; i++) {
		if (strv_has(s->spec->roots, v->v[i]))
			continue;
		if (look(top, v->v[i], &st, &good, e) == -1)
			return -1;
		now = seen_of(&st);
		if (s->spec->late && now.ctime_ns >= s->spec->doubt_ns &&
		    now.ctime_ns != now.mtime_ns)
			return err_set(e, ERR_CONFIG, "%s: moved, or changed, "
			    "while all was read", v->v[i]);
		s->shaken = s->shaken || (s->spec->old != NULL &&
		    now.ctime_ns >= s->old.in.head.begun_ns);
	}
	return 0;
}

static int
tops(struct scan *s, int top, const struct strv *v, struct err *e)
{
	struct stat st;
	bool good;
	size_t i;

	if (above(s, top, v, e) == -1 ||
	    seen_out_folder(&s->out, "", false, e) == -1 ||
	    beside_folder(&s->old, "", s->shaken, e) == -1)
		return -1;
	/* Of a folder above a root there is nothing to tell but what stat(2)
	 * does. */
	for (i = 0; i < v->n; i++) {
		if (look(top, v->v[i], &st, &good, e) == -1 ||
		    (i == 0 && is_the_top(s, &st, e) == -1) ||
		    record(s, "", v->v[i], &st, !good &&
		    strv_has(s->spec->roots, v->v[i]), false, e) == -1)
			return -1;
	}
	return beside_end(&s->old, "", e);
}

static int
root(struct scan *s, int top, const char *path, struct err *e)
{
	struct treewalk t = { .root = top, .begin = begin, .one = one,
		.end = end, .arg = s };
	char start[PLAIN_MAX + 2];
	size_t n = strlen(path);
	struct stat st;
	bool good;

	if (look(top, path, &st, &good, e) == -1)
		return -1;
	if (!S_ISDIR(st.st_mode))
		return 0;
	s->root_dev = st.st_dev;
	memcpy(start, path, n + 1);
	if (n > 1)
		memcpy(start + n, "/", 2);
	s->start = t.start = start;
	return treewalk_run(&t, e);
}

/* All of them, in the order of seen_order(). */
static int
all(struct scan *s, int top, struct err *e)
{
	struct strv v = { 0 }, roots = { 0 };
	size_t i;
	int rc;

	rc = ways(s->spec->roots, &v, e);
	if (rc == 0)
		rc = tops(s, top, &v, e);
	for (i = 0; rc == 0 && i < s->spec->roots->n; i++)
		if (!strv_has(&roots, s->spec->roots->v[i]) &&
		    strv_add(&roots, s->spec->roots->v[i]) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
	if (roots.n > 0)
		qsort(roots.v, roots.n, sizeof(*roots.v), by_order);
	for (i = 0; rc == 0 && i < roots.n; i++)
		rc = root(s, top, roots.v[i], e);
	if (rc == 0)
		rc = beside_over(&s->old, e);
	strv_clear(&v);
	strv_clear(&roots);
	return rc;
}

int
scan_run(const struct scan_spec *spec, struct scan_result *ret,
    struct err *e)
{
	struct scan s = { .spec = spec, .sum = ret };
	int rc, top = -1;

	*ret = (struct scan_result){ .files = 0 };
	rc = exclude_init(&s.exclude, spec->roots, spec->excludes, e);
	if (rc == 0)
		rc = seen_out_init(&s.out, spec->out, e);
	if (rc == 0)
		rc = beside_init(&s.old, spec->old, spec->changes, e);
	if (rc == 0) {
		top = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = top != -1 ? all(&s, top, e) : err_sys(e, "/");
	}
	if (rc == 0)
		rc = seen_out_end(&s.out, e);
	if (top != -1)
		close(top);
	free(s.moved);
	free(s.stirred);
	beside_clear(&s.old);
	seen_out_clear(&s.out);
	exclude_clear(&s.exclude);
	return rc;
}
