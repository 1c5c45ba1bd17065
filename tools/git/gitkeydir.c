/* SPDX-License-Identifier: ISC */
#include "gitkeydir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gitid.h"

#define FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Few of many files begin with the id, and only these are looked at. */
static bool
names(const char *file, const char *id)
{
	char got[GITID_MAX + 1];

	return strncmp(file, id, strlen(id)) == 0 &&
	    gitid_from_path(file, got, NULL) == 0 && strcmp(got, id) == 0;
}

/* DT_DIR, DT_REG, or something else. Not every file system says it. */
static unsigned char
kind(int dirfd, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type;
	if (fstatat(dirfd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return DT_UNKNOWN;
	return (unsigned char)IFTODT(st.st_mode);
}

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool
plain(int dirfd, const char *id)
{
	char file[GITID_MAX + sizeof(".pub")];
	struct stat st;

	snprintf(file, sizeof(file), "%s.pub", id);
	/* a@b.pub is a's, not a@b's. */
	return names(file, id) && fstatat(dirfd, file, &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/* fd is taken. */
static int
walk(int fd, const char *id, int depth, struct err *e)
{
	DIR *dir = fdopendir(fd);
	struct dirent *d;
	unsigned char type;
	int rc = 0, sub;

	if (dir == NULL) {
		err_sys(e, "keydir");
		close(fd);
		return -1;
	}
	while (rc == 0 && (errno = 0, d = readdir(dir)) != NULL) {
		if (is_dots(d->d_name))
			continue;
		type = kind(fd, d);
		if (type == DT_REG)
			rc = names(d->d_name, id);
		if (type != DT_DIR || depth == 0)
			continue;
		sub = openat(fd, d->d_name, FLAGS);
		if (sub != -1)
			rc = walk(sub, id, depth - 1, e);
		else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			rc = err_sys(e, "keydir/.../%s", d->d_name);
	}
	if (rc == 0 && errno != 0)
		rc = err_sys(e, "keydir");
	closedir(dir);
	return rc;
}

int
gitkeydir_has(const char *keydir, const char *id, struct err *e)
{
	int fd = open(keydir, FLAGS);

	if (fd == -1)
		return err_sys(e, "%s", keydir);
	if (plain(fd, id)) {
		close(fd);
		return 1;
	}
	return walk(fd, id, GITKEYDIR_DEPTH, e);
}
