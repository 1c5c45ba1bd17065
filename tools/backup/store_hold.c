/* SPDX-License-Identifier: ISC */
#include "store_hold.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_file.h"

/* Lock the file of the snapshot's name, F_RDLCK or F_WRLCK: 0, or -1; *ret_fd
 * owned. */
static int
lock_file(const struct store_client *c, int dir, const char *name, short how,
    int *ret_fd, struct err *e)
{
	struct flock l = { .l_type = how, .l_whence = SEEK_SET };
	int fd, mode = how == F_RDLCK ? O_RDONLY : O_RDWR;

	/* Made with the snapshot: a full disk can't keep readers away. */
	fd = openat(dir, name, mode | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK);
	if (fd == -1 && errno == ENOENT)
		fd = openat(dir, name, mode | O_CREAT | O_NOFOLLOW |
		    O_CLOEXEC, 0600);
	if (fd == -1)
		return err_sys(e, "%s/hold/%s", c->admin_path, name);
	while (fcntl(fd, F_OFD_SETLK, &l) == -1) {
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == EACCES)
			err_set(e, how == F_RDLCK ? ERR_REFUSED : ERR_BUSY,
			    how == F_RDLCK ? "%s: is being removed" :
			    "%s: is being read", name);
		else
			err_sys(e, "%s/hold/%s: lock", c->admin_path, name);
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

static int
hold(const struct store_client *c, const char *name, short how, int *ret_fd,
    struct err *e)
{
	int dir, rc;

	if (store_snapshot_ok(c, name, e) == -1 ||
	    store_file_dir(c->admin_fd, c->admin_path, "hold", &dir, e) == -1)
		return -1;
	rc = lock_file(c, dir, name, how, ret_fd, e);
	close(dir);
	return rc;
}

/* Whether fd is still what the snapshot is held by. */
static bool
in_place(const struct store_client *c, const char *name, int fd)
{
	struct stat a, b;
	bool same = false;
	int dir;

	if (store_file_dir(c->admin_fd, c->admin_path, "hold", &dir,
	    NULL) == -1)
		return false;
	if (fstat(fd, &a) == 0 && fstatat(dir, name, &b,
	    AT_SYMLINK_NOFOLLOW) == 0)
		same = a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	close(dir);
	return same;
}

int
store_hold_take(const struct store_client *c, const char *snapshot,
    int *ret_hold, int *ret_dir, struct err *e)
{
	struct stat st;
	int fd, dir;

	if (store_snapshot_ok(c, snapshot, e) == -1)
		return -1;
	/* Looked at first so that no file is made for what isn't there. */
	if (fstatat(c->fd, snapshot, &st, AT_SYMLINK_NOFOLLOW) == -1 &&
	    errno == ENOENT)
		return err_set(e, ERR_REFUSED, "%s: no such snapshot",
		    snapshot);
	if (hold(c, snapshot, F_RDLCK, &fd, e) == -1)
		return -1;
	if (store_file_dir(c->fd, c->path, snapshot, &dir, e) == -1) {
		if (errno == ENOENT)
			err_set(e, ERR_REFUSED, "%s: was removed", snapshot);
		close(fd);
		return -1;
	}
	if (!in_place(c, snapshot, fd)) {
		err_set(e, ERR_REFUSED, "%s: was removed", snapshot);
		close(fd);
		close(dir);
		return -1;
	}
	*ret_hold = fd;
	if (ret_dir != NULL)
		*ret_dir = dir;
	else
		close(dir);
	return 0;
}

int
store_hold_alone(const struct store_client *c, const char *snapshot,
    int *ret_hold, struct err *e)
{
	return hold(c, snapshot, F_WRLCK, ret_hold, e);
}

/* Asks and takes nothing: who looks must not be in the way of a reader that
 * comes, nor be taken for one itself. */
bool
store_hold_held(const struct store_client *c, const char *snapshot)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	bool held = false;
	int dir, fd;

	if (store_snapshot_ok(c, snapshot, NULL) == -1 ||
	    store_file_dir(c->admin_fd, c->admin_path, "hold", &dir,
	    NULL) == -1)
		return false;
	fd = openat(dir, snapshot, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK);
	close(dir);
	if (fd == -1)
		return false;
	if (fcntl(fd, F_OFD_GETLK, &l) == 0)
		held = l.l_type != F_UNLCK;
	close(fd);
	return held;
}

int
store_hold_pin(const struct store_client *c, const char *snapshot, bool on,
    struct err *e)
{
	struct stat st;
	int dir, rc = -1;

	if (store_snapshot_ok(c, snapshot, e) == -1)
		return -1;
	if (on && fstatat(c->fd, snapshot, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? err_set(e, ERR_REFUSED,
		    "%s: no such snapshot", snapshot) :
		    err_sys(e, "%s/%s", c->path, snapshot);
	if (store_file_dir(c->admin_fd, c->admin_path, "pins", &dir, e) == -1)
		return -1;
	if (on)
		rc = store_file_put(dir, c->admin_path, snapshot, "", 0, e);
	else if (unlinkat(dir, snapshot, 0) == -1 && errno != ENOENT)
		err_sys(e, "%s/pins/%s", c->admin_path, snapshot);
	else
		rc = fsync(dir) == -1 ? err_sys(e, "%s/pins", c->admin_path) :
		    0;
	close(dir);
	return rc;
}

bool
store_hold_pinned(const struct store_client *c, const char *snapshot)
{
	struct stat st;
	bool there;
	int dir;

	if (store_file_dir(c->admin_fd, c->admin_path, "pins", &dir,
	    NULL) == -1)
		return true;
	there = fstatat(dir, snapshot, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
	    errno != ENOENT;
	close(dir);
	return there;
}
