/* SPDX-License-Identifier: ISC */
#include "weigh.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

#define PATH_BYTES_MAX	65536
#define DEPTH_MAX	500	/* an open folder a level */
#define TICK_FILES	1024
#define LINKS_MAX	393216	/* three quarters of 2^19 places */
/* Of a folder that one folder below it has. */
#define MOST(part, whole) ((part) >= (whole) - (whole) / 10)

struct inode {
	dev_t dev;
	ino_t ino;
};

struct weigh {
	const struct weigh_spec *spec;
	struct weigh_result *ret;
	struct buf path;
	struct inode *seen;	/* of files with several names; ino 0: free */
	size_t nseen, cap;	/* cap: a power of two, or 0 */
	dev_t dev;		/* of the root */
	int depth;
	struct err *e;
};

/* What a folder adds to the one above it. */
struct sum {
	uint64_t bytes, files, largest;
};

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

static bool
has_wildcard(const char *s)
{
	return strpbrk(s, "*?[") != NULL;
}

/* One pattern, without a slash at its end. "**" crosses slashes. */
static bool
matches(const char *pattern, const char *path)
{
	int flags = strstr(pattern, "**") != NULL ? 0 : FNM_PATHNAME;
	const char *p;

	if (pattern[0] == '/')
		return fnmatch(pattern, path, flags) == 0;
	if (strchr(pattern, '/') == NULL) {
		p = strrchr(path, '/');
		return fnmatch(pattern, p != NULL ? p + 1 : path, flags) == 0;
	}
	/* With a slash inside: the end of the path, from any slash on. */
	for (p = path; p != NULL; p = strchr(p, '/')) {
		p += *p == '/';
		if (fnmatch(pattern, p, flags) == 0)
			return true;
	}
	return false;
}

bool
weigh_excluded(const struct strv *excludes, const char *path, bool folder)
{
	const char *x;
	char *cut;
	size_t i, n;
	bool hit;

	for (i = 0; i < excludes->n; i++) {
		x = excludes->v[i];
		n = strlen(x);
		if (n > 1 && x[n - 1] == '/') {
			if (!folder || (cut = strndup(x, n - 1)) == NULL)
				continue;
			hit = matches(cut, path);
			free(cut);
		} else if (x[0] == '/' && !has_wildcard(x)) {
			hit = strcmp(x, path) == 0;
		} else {
			hit = matches(x, path);
		}
		if (hit)
			return true;
	}
	return false;
}

/* Never backed up unless they are a root by name. */
static bool
is_system(const char *path)
{
	static const char *const v[] = { "/dev", "/proc", "/sys", "/run" };
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (strcmp(v[i], path) == 0)
			return true;
	return false;
}

static size_t
slot(const struct weigh *w, const struct inode *f)
{
	uint64_t h = (uint64_t)f->ino * 0x9e3779b97f4a7c15u ^ f->dev;
	size_t i = (size_t)(h ^ h >> 32) & (w->cap - 1);

	while (w->seen[i].ino != 0 && (w->seen[i].ino != f->ino ||
	    w->seen[i].dev != f->dev))
		i = (i + 1) & (w->cap - 1);
	return i;
}

static int
grow(struct weigh *w)
{
	struct inode *old = w->seen;
	size_t n = w->cap, i;

	w->cap = n == 0 ? 1024 : n * 2;
	w->seen = calloc(w->cap, sizeof(*w->seen));
	if (w->seen == NULL) {
		w->seen = old;
		w->cap = n;
		return no_mem(w->e);
	}
	for (i = 0; i < n; i++)
		if (old[i].ino != 0)
			w->seen[slot(w, &old[i])] = old[i];
	free(old);
	return 0;
}

/* What this name of a file counts. 0, or -1 ERR_MEM. */
static int
bytes_of(struct weigh *w, const struct stat *st, uint64_t *ret)
{
	const struct inode f = { st->st_dev, st->st_ino };
	size_t max = w->spec->links > 0 ? w->spec->links : LINKS_MAX, i;

	*ret = (uint64_t)st->st_blocks * 512;
	if (st->st_nlink < 2 || st->st_ino == 0)
		return 0;
	if (w->nseen * 4 >= w->cap * 3 && w->nseen < max && grow(w) == -1)
		return -1;
	i = slot(w, &f);
	if (w->seen[i].ino != 0) {
		*ret = 0;
	} else if (w->nseen < max) {
		w->seen[i] = f;
		w->nseen++;
	} else {
		*ret /= (uint64_t)st->st_nlink;
	}
	return 0;
}

/* Into the list, which is sorted and has spec->lines at most. */
static int
keep(struct weigh *w, const struct sum *s)
{
	struct weigh_result *r = w->ret;
	struct weigh_folder *v, f;
	size_t i;

	if (s->bytes < w->spec->min_bytes || s->bytes == 0 ||
	    MOST(s->largest, s->bytes) || w->spec->lines == 0)
		return 0;
	if (r->n == w->spec->lines && r->folders[r->n - 1].bytes >= s->bytes)
		return 0;
	f = (struct weigh_folder){ strdup(w->path.data), s->bytes, s->files };
	if (f.path == NULL)
		return no_mem(w->e);
	if (r->n == w->spec->lines) {
		free(r->folders[--r->n].path);
	} else {
		v = reallocarray(r->folders, r->n + 1, sizeof(*v));
		if (v == NULL) {
			free(f.path);
			return no_mem(w->e);
		}
		r->folders = v;
	}
	for (i = r->n; i > 0 && r->folders[i - 1].bytes < f.bytes; i--)
		r->folders[i] = r->folders[i - 1];
	r->folders[i] = f;
	r->n++;
	return 0;
}

static int
unread(struct weigh *w)
{
	if (w->ret->unread++ == 0 &&
	    (w->ret->first_unread = strdup(w->path.data)) == NULL)
		return no_mem(w->e);
	return 0;
}

static int weigh_folder(struct weigh *w, int fd, struct sum *ret);

/* One name in the folder behind fd; w->path is its path. */
static int
weigh_entry(struct weigh *w, int dirfd, const char *name, struct sum *s)
{
	struct sum below = { 0 };
	struct stat st;
	uint64_t bytes;
	int fd;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;	/* vanished */
	if (weigh_excluded(w->spec->excludes, w->path.data,
	    S_ISDIR(st.st_mode)))
		return 0;
	s->files++;
	if (++w->ret->files % TICK_FILES == 0 && w->spec->on_tick != NULL)
		w->spec->on_tick(w->spec->arg, w->ret->files, w->ret->bytes,
		    w->path.data);
	if (!S_ISDIR(st.st_mode)) {
		if (bytes_of(w, &st, &bytes) == -1)
			return -1;
		s->bytes += bytes;
		w->ret->bytes += bytes;
		return 0;
	}
	/* A mount point stays, as rsync has it, as an empty folder. */
	if ((w->spec->one_file_system && st.st_dev != w->dev) ||
	    is_system(w->path.data))
		return 0;
	fd = w->depth < DEPTH_MAX ? openat(dirfd, name, O_RDONLY |
	    O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	if (fd == -1)
		return unread(w);
	if (weigh_folder(w, fd, &below) == -1)
		return -1;
	s->bytes += below.bytes;
	s->files += below.files;
	if (below.bytes > s->largest)
		s->largest = below.bytes;
	return 0;
}

/* Everything in the folder behind fd, which is taken. */
static int
weigh_folder(struct weigh *w, int fd, struct sum *ret)
{
	size_t len = w->path.len;
	struct dirent *ent;
	DIR *d = fdopendir(fd);
	int rc = 0;

	if (d == NULL) {
		close(fd);
		return unread(w);
	}
	w->depth++;
	while (rc == 0 && (ent = readdir(d)) != NULL) {
		if (strcmp(ent->d_name, ".") == 0 ||
		    strcmp(ent->d_name, "..") == 0)
			continue;
		if (buf_addf(&w->path, "%s%s", len > 1 ? "/" : "",
		    ent->d_name) == -1)
			rc = no_mem(w->e);
		else
			rc = weigh_entry(w, dirfd(d), ent->d_name, ret);
		w->path.len = len;
		w->path.data[len] = '\0';
	}
	w->depth--;
	closedir(d);
	return rc == 0 ? keep(w, ret) : -1;
}

static int
weigh_root(struct weigh *w, const char *root)
{
	struct sum s = { 0 };
	struct stat st;
	int fd;

	buf_clear(&w->path);
	if (buf_adds(&w->path, root) == -1)
		return no_mem(w->e);
	fd = open(root, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		err_sys(w->e, "root %s", root);
		if (fd != -1)
			close(fd);
		return -1;
	}
	if (!S_ISDIR(st.st_mode)) {
		w->ret->files++;
		w->ret->bytes += (uint64_t)st.st_blocks * 512;
		close(fd);
		return 0;
	}
	w->dev = st.st_dev;
	return weigh_folder(w, fd, &s);
}

int
weigh_run(const struct weigh_spec *spec, struct weigh_result *ret,
    struct err *e)
{
	struct weigh w = { .spec = spec, .ret = ret, .e = e };
	size_t i;
	int rc = 0;

	buf_init(&w.path, PATH_BYTES_MAX);
	for (i = 0; rc == 0 && i < spec->roots->n; i++)
		rc = weigh_root(&w, spec->roots->v[i]);
	free(w.seen);
	buf_clear(&w.path);
	return rc;
}

void
weigh_clear(struct weigh_result *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		free(r->folders[i].path);
	free(r->folders);
	free(r->first_unread);
	*r = (struct weigh_result){ 0 };
}
