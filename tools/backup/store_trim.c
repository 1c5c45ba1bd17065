/* SPDX-License-Identifier: ISC */
#include "store_trim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plain.h"
#include "store_rmtree.h"
#include "sys/beneath.h"

struct trim {
	const char *where;
	const struct strv *roots;
	char path[PLAIN_MAX + 256 + 2];	/* of what is looked at; "" at first */
};

enum keep { NOTHING, THE_WAY, ALL };

static enum keep
keeps(const struct trim *t)
{
	size_t i, len = strlen(t->path);
	enum keep k = NOTHING;

	for (i = 0; i < t->roots->n; i++) {
		const char *root = t->roots->v[i];

		if (strcmp(root, t->path) == 0)
			return ALL;
		if (strncmp(root, t->path, len) == 0 && root[len] == '/')
			k = THE_WAY;
	}
	return k;
}

static int
drop(const struct trim *t, int dirfd, const char *name, struct err *e)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR)
		return store_rmtree(dirfd, t->where, name, e);
	return err_sys(e, "%s: %s", t->where, t->path);
}

/* The folder t->path; as deep as the roots lie. */
static int
walk(struct trim *t, int dirfd, const char *name, struct err *e)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC), rc = 0;
	size_t len = strlen(t->path);
	struct dirent *de;
	enum keep k;
	DIR *d;

	if (fd == -1 && (errno == ELOOP || errno == ENOTDIR))
		return drop(t, dirfd, name, e);
	if (fd == -1 || (d = fdopendir(fd)) == NULL) {
		err_sys(e, "%s: %s", t->where, name);
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (rc == 0 && (errno = 0, de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		snprintf(t->path + len, sizeof(t->path) - len, "/%s",
		    de->d_name);
		k = keeps(t);
		if (k == THE_WAY)
			rc = walk(t, fd, de->d_name, e);
		else if (k == NOTHING)
			rc = drop(t, fd, de->d_name, e);
		t->path[len] = '\0';
	}
	if (rc == 0 && errno != 0)
		rc = err_sys(e, "%s: %s: reading it", t->where, name);
	closedir(d);
	return rc;
}

int
store_trim(int dirfd, const char *where, const char *name,
    const struct strv *roots, struct err *e)
{
	struct trim t = { .where = where, .roots = roots };

	return strv_has(roots, "/") ? 0 : walk(&t, dirfd, name, e);
}

/* All that is in t->path, which fd (taken) is. */
static int
empty(struct trim *t, int fd, struct err *e)
{
	size_t len = strlen(t->path);
	struct dirent *de;
	DIR *d = fdopendir(fd);
	int rc = 0;

	if (d == NULL) {
		close(fd);
		return err_sys(e, "%s: %s", t->where, t->path);
	}
	while (rc == 0 && (errno = 0, de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		snprintf(t->path + len, sizeof(t->path) - len, "/%s",
		    de->d_name);
		rc = drop(t, fd, de->d_name, e);
		t->path[len] = '\0';
	}
	closedir(d);
	return rc;
}

int
store_trim_folders(int dirfd, const char *where, const char *name,
    const struct strv *folders, struct err *e)
{
	struct trim t = { .where = where };
	int top, fd, rc = 0;
	size_t i;

	top = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (top == -1)
		return err_sys(e, "%s: %s", where, name);
	for (i = 0; rc == 0 && i < folders->n; i++) {
		fd = beneath_open(top, folders->v[i], O_RDONLY | O_DIRECTORY,
		    RESOLVE_NO_XDEV);
		if (fd == -1 && (errno == ENOENT || errno == ENOTDIR ||
		    errno == ELOOP))
			continue;
		snprintf(t.path, sizeof(t.path), "%s", folders->v[i]);
		rc = fd != -1 ? empty(&t, fd, e) :
		    err_sys(e, "%s: %s", where, t.path);
	}
	close(top);
	return rc;
}
