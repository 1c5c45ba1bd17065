/* SPDX-License-Identifier: ISC */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/esc.h"
#include "fakestat.h"
#include "rows.h"
#include "store_file.h"
#include "store_hold.h"
#include "sys/beneath.h"

#define PLACE	(O_PATH | O_NOFOLLOW | O_CLOEXEC)

static int
refuse(const char *snapshot, const char *path, struct err *e)
{
	int saved = errno;
	struct buf b;

	buf_init(&b, ERR_MSG_MAX);
	(void)esc_text(&b, path, strlen(path));
	if (saved == ENOENT || saved == ENOTDIR)
		err_set(e, ERR_REFUSED, "%s has no %s", snapshot, b.data);
	else if (saved == ELOOP || saved == EXDEV)
		err_set(e, ERR_REFUSED, "%s: a symbolic link is on the way "
		    "to %s", snapshot, b.data);
	else
		err_set(e, ERR_SYS, "%s: %s: %s", snapshot, b.data,
		    strerror(saved));
	buf_clear(&b);
	return -1;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
read_names(int fd, const char *snapshot, const char *path, struct folder *f,
    struct err *e)
{
	int rc = -1, copy = openat(fd, ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	DIR *dir = copy != -1 ? fdopendir(copy) : NULL;
	struct dirent *d;

	if (dir == NULL) {
		refuse(snapshot, path, e);
		if (copy != -1)
			close(copy);
		return -1;
	}
	f->names.max = FOLDER_MAX;
	while ((errno = 0, d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0)
			continue;
		if (f->names.n == FOLDER_MAX) {
			f->cut = true;
			break;
		}
		if (strv_add(&f->names, d->d_name) == -1) {
			err_set(e, ERR_MEM, "out of memory");
			goto out;
		}
	}
	if (errno != 0) {
		refuse(snapshot, path, e);
		goto out;
	}
	if (f->names.n > 0)
		qsort(f->names.v, f->names.n, sizeof(char *), by_name);
	rc = 0;
out:
	closedir(dir);
	return rc;
}

/* The folder that path's last part is in, and that part as its one name. */
static int
take_parent(int root, const char *snapshot, const char *path,
    struct folder *f, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];

	if ((size_t)(slash - path) >= sizeof(parent))
		return err_set(e, ERR_REFUSED, "the path is too long");
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	f->fd = beneath_open(root, parent, PLACE, 0);
	if (f->fd == -1)
		return refuse(snapshot, path, e);
	if (strv_add(&f->names, slash + 1) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

int
folder_open(const struct store_client *c, const char *snapshot,
    const char *path, struct folder *ret, struct err *e)
{
	struct folder f = { .hold = -1, .fd = -1 };
	int root = -1, fd = -1, rc = -1;
	struct stat st;

	if (store_hold_take(c, snapshot, &f.hold, &root, e) == -1)
		return -1;
	fd = beneath_open(root, path, PLACE, 0);
	if (fd == -1 || fstat(fd, &st) == -1) {
		refuse(snapshot, path, e);
	} else if (S_ISDIR(st.st_mode)) {
		rc = read_names(fd, snapshot, path, &f, e);
		f.fd = fd;
		fd = -1;
	} else {
		rc = take_parent(root, snapshot, path, &f, e);
	}
	if (fd != -1)
		close(fd);
	close(root);
	if (rc == 0)
		*ret = f;
	else
		folder_close(&f);
	return rc;
}

void
folder_close(struct folder *f)
{
	if (f->hold != -1)
		close(f->hold);
	if (f->fd != -1)
		close(f->fd);
	strv_clear(&f->names);
	*f = (struct folder){ .hold = -1, .fd = -1 };
}

/* The target of a link that the store keeps as a file. */
static bool
fake_target(int dirfd, const char *name, char link[PATH_MAX])
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return false;
	n = store_file_fill(fd, link, PATH_MAX - 1);
	close(fd);
	if (n == -1)
		return false;
	link[n] = '\0';
	return true;
}

/* What rsync --fake-super could not give to the file itself. */
static void
fake(int dirfd, const char *name, char link[PATH_MAX], struct rows_entry *r)
{
	char path[sizeof("/proc/self/fd/") + 10 + 1 + NAME_MAX + 1];
	bool regular = S_ISREG(r->mode);
	char text[FAKESTAT_MAX];
	struct fakestat f;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
	n = lgetxattr(path, FAKESTAT_ATTR, text, sizeof(text));
	if (n == -1 || fakestat_parse(text, (size_t)n, &f, NULL) == -1 ||
	    ((f.mode & S_IFMT) != (r->mode & S_IFMT) && !regular))
		return;
	r->mode = f.mode;
	r->uid = f.uid;
	r->gid = f.gid;
	if (S_ISREG(f.mode))
		return;
	r->size = 0;
	if (regular && S_ISLNK(f.mode) && fake_target(dirfd, name, link))
		r->link = link;
}

static bool
entry(int fd, const char *name, char link[PATH_MAX],
    struct rows_entry *ret)
{
	struct stat st;
	ssize_t n;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return false;
	*ret = (struct rows_entry){ .name = name, .mode = st.st_mode,
		.uid = st.st_uid, .gid = st.st_gid,
		.size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0,
		.time_s = st.st_mtim.tv_sec };
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(fd, name, link, PATH_MAX - 1);
		if (n == -1)
			return false;
		link[n] = '\0';
		ret->link = link;
	}
	fake(fd, name, link, ret);
	return true;
}

int
folder_rows(struct folder *f, struct buf *out)
{
	char link[PATH_MAX];
	struct rows_entry r;

	for (; f->at < f->names.n; f->at++) {
		if (!entry(f->fd, f->names.v[f->at], link, &r) ||
		    rows_add_entry(&r, out) == 0)
			continue;
		if (out->len > 0)
			return 1;
		/* A target of thousands of odd bytes fits into no line. */
		r.link = NULL;
		(void)rows_add_entry(&r, out);
	}
	return 0;
}
