/* SPDX-License-Identifier: ISC */
#include "store_ready.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plain.h"
#include "store_loose.h"
#include "store_rmtree.h"
#include "sys/beneath.h"
#include "walk.h"

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

/* The folder fd is as old afterwards as before. */
static int
torn(int fd, const char *where, const char *name, struct err *e)
{
	struct stat st, folder;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : err_sys(e, "%s/…/%.200s", where,
		    name);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (fstat(fd, &folder) == -1)
		return err_sys(e, "%s", where);
	times[1] = folder.st_mtim;
	if (unlinkat(fd, name, 0) == -1 || futimens(fd, times) == -1)
		return err_sys(e, "%s/…/%.200s: removing it", where, name);
	return 0;
}

int
store_ready_torn(int incoming, const char *where, const struct strv *names,
    struct err *e)
{
	char path[PLAIN_MAX + 2];
	const char *name;
	int fd, rc = 0;
	size_t i;

	for (i = 0; rc == 0 && i < names->n; i++) {
		snprintf(path, sizeof(path), "/%s", names->v[i]);
		if (plain_why(path) != NULL)
			return err_set(e, ERR_PEER, "rsync tells of a file "
			    "whose path %s", plain_why(path));
		rc = parent(incoming, where, path, &fd, &name, e);
		if (rc != 1)
			continue;
		rc = torn(fd, where, name, e);
		close(fd);
	}
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
store_ready(int incoming, const char *where, const struct changes *c,
    struct err *e)
{
	return each(incoming, where, c, '-', e) == -1 ||
	    each(incoming, where, c, '=', e) == -1 ? -1 :
	    each(incoming, where, c, '+', e);
}
