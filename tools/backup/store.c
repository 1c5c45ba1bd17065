/* SPDX-License-Identifier: ISC */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "snapname.h"
#include "store_file.h"
#include "store_lend.h"
#include "sys/file.h"
#include "sys/lock.h"

/* The folders of STORE/.postern/NAME. */
static const char *const admin_dirs[] = { "pins", "hold", "snap" };
#define ADMIN_DIRS (sizeof(admin_dirs) / sizeof(admin_dirs[0]))

const char *
store_backend_name(enum store_backend b)
{
	return b == STORE_BTRFS ? "btrfs" : "hardlink";
}

static int64_t
clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec;
}

/* One folder on the way to the store, or (last) the store itself. */
static int
check_step(int fd, const char *path, size_t len, bool last, struct err *e)
{
	uid_t us = geteuid();
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "%.*s", (int)len, path);
	if (S_ISLNK(st.st_mode))
		return err_set(e, ERR_UNSAFE, "%.*s: is a symbolic link",
		    (int)len, path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_UNSAFE, "%.*s: not a folder", (int)len,
		    path);
	if (st.st_uid != us && st.st_uid != 0)
		return err_set(e, ERR_UNSAFE, "%.*s: belongs to uid %lu, not "
		    "to uid %lu", (int)len, path, (unsigned long)st.st_uid,
		    (unsigned long)us);
	/* In a sticky folder nobody can replace what isn't theirs. */
	if ((st.st_mode & 022) != 0 && (last || !(st.st_mode & S_ISVTX)))
		return err_set(e, ERR_UNSAFE, "%.*s: others may write to it "
		    "(mode %04o)", (int)len, path,
		    (unsigned)(st.st_mode & 07777));
	return 0;
}

/* Walk to the folder at path; each step is checked. An fd to read, or -1. */
static int
walk(const char *path, struct err *e)
{
	const char *p = path;
	char part[NAME_MAX + 1];
	size_t n, end = 1;
	int fd, next;
	bool last;

	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (;;) {
		p += strspn(p, "/");
		last = *p == '\0';
		if (fd == -1)
			return err_sys(e, "%.*s", (int)end, path);
		if (check_step(fd, path, end, last, e) == -1)
			break;
		if (last) {
			/* fd itself is a place only, which can't be read. */
			next = openat(fd, ".", O_RDONLY | O_DIRECTORY |
			    O_CLOEXEC);
			if (next == -1)
				err_sys(e, "%s", path);
			close(fd);
			return next;
		}
		n = strcspn(p, "/");
		if (n > NAME_MAX) {
			errno = ENAMETOOLONG;
			err_sys(e, "%s", path);
			break;
		}
		memcpy(part, p, n);
		part[n] = '\0';
		if (strcmp(part, "..") == 0) {
			err_set(e, ERR_CONFIG, "%s: has a '..' in it", path);
			break;
		}
		p += n;
		end = (size_t)(p - path);
		next = openat(fd, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	close(fd);
	return -1;
}

int
store_make(const char *path, struct err *e)
{
	int fd, rc;

	if (path[0] != '/')
		return err_set(e, ERR_CONFIG, "%s: not an absolute path",
		    path);
	if (file_mkdirs(path, 0755, e) == -1)
		return -1;
	fd = walk(path, e);
	if (fd == -1)
		return -1;
	rc = store_file_mkdir(fd, path, STORE_ADMIN, 0700, e);
	close(fd);
	return rc;
}

int
store_open(const char *path, struct store *ret, struct err *e)
{
	struct store s = { .fd = -1, .admin_fd = -1, .now = clock_now };

	if (path[0] != '/')
		return err_set(e, ERR_CONFIG, "%s: not an absolute path",
		    path);
	s.fd = walk(path, e);
	if (s.fd == -1)
		return -1;
	s.path = strdup(path);
	if (s.path == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		goto fail;
	}
	if (store_file_dir(s.fd, path, STORE_ADMIN, &s.admin_fd, e) == -1 ||
	    store_file_private(s.admin_fd, path, geteuid(), 077, e) == -1)
		goto fail;
	*ret = s;
	return 0;
fail:
	store_close(&s);
	return -1;
}

void
store_close(struct store *s)
{
	if (s->fd != -1)
		close(s->fd);
	if (s->admin_fd != -1)
		close(s->admin_fd);
	free(s->path);
	*s = (struct store){ .fd = -1, .admin_fd = -1 };
}

int
store_lock(const struct store *s, unsigned timeout_ms, int *ret_fd,
    struct err *e)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/" STORE_ADMIN "/lock", s->path);
	return lock_take_at(s->admin_fd, "lock", path, timeout_ms, ret_fd, e);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
store_clients(const struct store *s, struct strv *names, struct err *e)
{
	size_t first = names->n;
	struct dirent *d;
	DIR *dir = NULL;
	int fd, rc = -1;

	fd = openat(s->admin_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (dir = fdopendir(fd)) == NULL) {
		err_sys(e, "%s/" STORE_ADMIN, s->path);
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((errno = 0, d = readdir(dir)) != NULL) {
		if (snapname_client(d->d_name, "client", NULL) == -1 ||
		    (d->d_type != DT_DIR && d->d_type != DT_UNKNOWN))
			continue;
		if (strv_add(names, d->d_name) == -1) {
			err_set(e, ERR_MEM, "out of memory");
			goto out;
		}
	}
	if (errno != 0) {
		err_sys(e, "%s/" STORE_ADMIN, s->path);
		goto out;
	}
	if (names->n > first)
		qsort(names->v + first, names->n - first, sizeof(char *),
		    by_name);
	rc = 0;
out:
	closedir(dir);
	return rc;
}

int
store_client_make(const struct store *s, const char *name, struct err *e)
{
	char where[512];
	int fd, rc = -1;
	size_t i;

	if (snapname_client(name, "client", e) == -1)
		return -1;
	snprintf(where, sizeof(where), "%s/" STORE_ADMIN, s->path);
	/* The client exists with its folder in .postern: that comes last. */
	if (store_file_mkdir(s->fd, s->path, name, 0700, e) == -1 ||
	    store_file_mkdir(s->admin_fd, where, name, 0700, e) == -1 ||
	    store_file_dir(s->admin_fd, where, name, &fd, e) == -1)
		return -1;
	for (i = 0; i < ADMIN_DIRS; i++)
		if (store_file_mkdir(fd, name, admin_dirs[i], 0700, e) == -1)
			goto out;
	rc = 0;
out:
	close(fd);
	return rc;
}

int
store_client_open(const struct store *s, const char *name,
    struct store_client *ret, struct err *e)
{
	struct store_client c = { .store = s, .fd = -1, .admin_fd = -1,
	    .lock_fd = -1 };
	uid_t lent;

	if (snapname_client(name, "client", e) == -1)
		return -1;
	snprintf(c.name, sizeof(c.name), "%s", name);
	if (asprintf(&c.path, "%s/%s", s->path, name) == -1) {
		c.path = NULL;
		err_set(e, ERR_MEM, "out of memory");
		goto fail;
	}
	if (asprintf(&c.admin_path, "%s/" STORE_ADMIN "/%s", s->path,
	    name) == -1) {
		c.admin_path = NULL;
		err_set(e, ERR_MEM, "out of memory");
		goto fail;
	}
	if (faccessat(s->admin_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == -1 &&
	    errno == ENOENT) {
		err_set(e, ERR_REFUSED, "%s: no client of the store %s", name,
		    s->path);
		goto fail;
	}
	if (store_file_dir(s->admin_fd, s->path, name, &c.admin_fd, e) == -1 ||
	    store_file_private(c.admin_fd, c.admin_path, geteuid(), 077,
	    e) == -1 ||
	    store_file_dir(s->fd, s->path, name, &c.fd, e) == -1 ||
	    store_lend_to(&c, &lent, e) == -1 ||
	    store_file_private(c.fd, c.path, geteuid(),
	    lent == 0 ? 077 : 067, e) == -1)
		goto fail;
	*ret = c;
	return 0;
fail:
	store_client_close(&c);
	return -1;
}

void
store_client_close(struct store_client *c)
{
	if (c->fd != -1)
		close(c->fd);
	if (c->admin_fd != -1)
		close(c->admin_fd);
	if (c->lock_fd != -1)
		close(c->lock_fd);
	free(c->path);
	free(c->admin_path);
	*c = (struct store_client){ .fd = -1, .admin_fd = -1, .lock_fd = -1 };
}

int
store_client_lock(struct store_client *c, unsigned timeout_ms, struct err *e)
{
	char path[640];

	snprintf(path, sizeof(path), "%s/lock", c->admin_path);
	return lock_take_at(c->admin_fd, "lock", path, timeout_ms,
	    &c->lock_fd, e);
}

int
store_snapshot_ok(const struct store_client *c, const char *name,
    struct err *e)
{
	struct snapname n;

	if (snapname_parse(name, &n, e) == -1)
		return -1;
	if (strcmp(n.client, c->name) != 0)
		return err_set(e, ERR_CONFIG, "%s: not a snapshot of %s",
		    name, c->name);
	return 0;
}
