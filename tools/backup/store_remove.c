/* SPDX-License-Identifier: ISC */
#include "store_remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strv.h"
#include "store_btrfs.h"
#include "store_file.h"
#include "store_hold.h"
#include "store_list.h"
#include "store_rmtree.h"

#define TRASH_INCOMING	STORE_TRASH "incoming"
#define TRASH_MAX	(sizeof(STORE_TRASH) + STORE_SNAP_MAX)
#define TEMP		".postern."	/* store_file_put()'s */

/* Delete name, which is some .trash-…. 0 also when there is none. */
static int
destroy(const struct store_client *c, const char *name, struct err *e)
{
	struct err why = ERR_INIT;
	int fd;

	if (!store_btrfs_is(c->fd) ||
	    store_file_dir(c->fd, c->path, name, &fd, NULL) == -1)
		return store_rmtree(c->fd, c->path, name, e);
	if (!store_btrfs_subvol(fd)) {
		close(fd);
		return store_rmtree(c->fd, c->path, name, e);
	}
	if (store_btrfs_delete(c->fd, c->path, name, &why) == 0) {
		close(fd);
		return 0;
	}
	/* Only the mount option lets a plain user do that; but the owner may
	 * empty a subvolume, and rmdir(2) takes an empty one. */
	if (store_btrfs_readonly(fd, c->path, false, e) == -1) {
		close(fd);
		return -1;
	}
	close(fd);
	return store_rmtree(c->fd, c->path, name, e);
}

/* Rename from to trash, in which nothing must be in the way. */
static int
into_trash(const struct store_client *c, const char *from, const char *trash,
    struct err *e)
{
	struct stat st;

	/* Of a removal that was killed, of the same name. */
	if (fstatat(c->fd, trash, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    destroy(c, trash, e) == -1)
		return -1;
	if (renameat(c->fd, from, c->fd, trash) == -1)
		return err_sys(e, "%s/%s: renaming it to %s", c->path, from,
		    trash);
	if (fsync(c->fd) == -1)
		return err_sys(e, "%s: fsync", c->path);
	return 0;
}

/* What .postern knows of the snapshot. Leftovers are the next sweep's. */
static void
forget(const struct store_client *c, const char *snapshot)
{
	static const char *const dirs[] = { "snap", "pins", "hold" };
	size_t i;
	int fd;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (store_file_dir(c->admin_fd, c->admin_path, dirs[i], &fd,
		    NULL) == -1)
			continue;
		(void)unlinkat(fd, snapshot, 0);
		close(fd);
	}
}

int
store_remove(const struct store_client *c, const char *snapshot,
    struct err *e)
{
	char trash[TRASH_MAX];
	struct stat st;
	int held = -1, rc;

	if (store_snapshot_ok(c, snapshot, e) == -1)
		return -1;
	if (fstatat(c->fd, snapshot, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? err_set(e, ERR_REFUSED,
		    "%s: no such snapshot", snapshot) :
		    err_sys(e, "%s/%s", c->path, snapshot);
	if (store_hold_alone(c, snapshot, &held, e) == -1)
		return -1;
	/* Who pins it holds it meanwhile: from here on there is no new pin. */
	if (store_hold_pinned(c, snapshot)) {
		close(held);
		return err_set(e, ERR_REFUSED, "%s: is pinned", snapshot);
	}
	snprintf(trash, sizeof(trash), STORE_TRASH "%s", snapshot);
	rc = into_trash(c, snapshot, trash, e);
	if (rc == 0)
		forget(c, snapshot);
	close(held);
	return rc == 0 ? destroy(c, trash, e) : -1;
}

int
store_remove_incoming(const struct store_client *c, struct err *e)
{
	struct stat st;

	if (fstatat(c->fd, STORE_INCOMING, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 :
		    err_sys(e, "%s/" STORE_INCOMING, c->path);
	if (into_trash(c, STORE_INCOMING, TRASH_INCOMING, e) == -1)
		return -1;
	return destroy(c, TRASH_INCOMING, e);
}

/* Append the names in fd (taken) that begin with prefix. */
static int
names_of(int fd, const char *path, const char *prefix, struct strv *names,
    struct err *e)
{
	struct dirent *d;
	DIR *dir;
	int rc = -1;

	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return err_sys(e, "%s", path);
	}
	while ((errno = 0, d = readdir(dir)) != NULL) {
		if (strncmp(d->d_name, prefix, strlen(prefix)) != 0 ||
		    strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0)
			continue;
		if (strv_add(names, d->d_name) == -1) {
			err_set(e, ERR_MEM, "%s: too many names or out of "
			    "memory", path);
			goto out;
		}
	}
	rc = errno == 0 ? 0 : err_sys(e, "%s", path);
out:
	closedir(dir);
	return rc;
}

/* Take out of the folder name what belongs to no snapshot. */
static int
sweep_admin(const struct store_client *c, const char *name, struct err *e)
{
	struct strv names = { 0 };
	struct stat st;
	int fd, rc = -1;
	size_t i;

	if (store_file_dir(c->admin_fd, c->admin_path, name, &fd, e) == -1)
		return -1;
	if (names_of(fcntl(fd, F_DUPFD_CLOEXEC, 0), c->admin_path, "", &names,
	    e) == -1)
		goto out;
	rc = 0;
	for (i = 0; i < names.n; i++) {
		if (strncmp(names.v[i], TEMP, strlen(TEMP)) != 0 &&
		    (store_snapshot_ok(c, names.v[i], NULL) == -1 ||
		    fstatat(c->fd, names.v[i], &st,
		    AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT))
			continue;
		if (unlinkat(fd, names.v[i], 0) == -1 && rc == 0)
			rc = err_sys(e, "%s/%s/%s", c->admin_path, name,
			    names.v[i]);
	}
out:
	strv_clear(&names);
	close(fd);
	return rc;
}

int
store_remove_sweep(const struct store_client *c, struct err *e)
{
	static const char *const dirs[] = { "snap", "pins", "hold" };
	struct err later = ERR_INIT;
	struct strv names = { 0 };
	int fd, rc = 0;
	size_t i;

	fd = openat(c->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "%s", c->path);
	rc = names_of(fd, c->path, STORE_TRASH, &names, e);
	for (i = 0; i < names.n; i++)
		if (destroy(c, names.v[i], rc == 0 ? e : &later) == -1)
			rc = -1;
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (sweep_admin(c, dirs[i], rc == 0 ? e : &later) == -1)
			rc = -1;
	strv_clear(&names);
	return rc;
}
