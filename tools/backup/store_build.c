/* SPDX-License-Identifier: ISC */
#include "store_build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store_basis.h"
#include "store_begun.h"
#include "store_btrfs.h"
#include "store_file.h"
#include "store_lend.h"
#include "store_listed.h"
#include "store_loose.h"
#include "store_rec.h"
#include "store_remove.h"

/* So many seconds in a row may have a snapshot already. */
#define TRIES_MAX	60

enum store_backend
store_build_pick(const struct store_client *c)
{
	if (c->want == STORE_HARDLINK)
		return STORE_HARDLINK;
	return store_btrfs_is(c->fd) && store_btrfs_probe(c->fd) ?
	    STORE_BTRFS : STORE_HARDLINK;
}

/* Make .incoming as a subvolume: of the basis, or empty when that is none. */
static int
make_subvol(const struct store_client *c, const char *prev, struct err *e)
{
	int fd = -1, rc;

	if (prev[0] != '\0' &&
	    store_file_dir(c->fd, c->path, prev, &fd, e) == -1)
		return -1;
	if (fd != -1 && store_btrfs_subvol(fd))
		rc = store_btrfs_snapshot(c->fd, c->path, STORE_INCOMING, fd,
		    e);
	else
		rc = store_btrfs_create(c->fd, c->path, STORE_INCOMING, e);
	if (fd != -1)
		close(fd);
	return rc;
}

static int
make_incoming(const struct store_client *c, const char *prev, struct err *e)
{
	if (store_build_pick(c) == STORE_BTRFS)
		return make_subvol(c, prev, e);
	if (c->want == STORE_BTRFS)
		return err_set(e, ERR_CONFIG, "%s: back-end = btrfs, but no "
		    "subvolume can be made there", c->path);
	if (mkdirat(c->fd, STORE_INCOMING, 0700) == -1)
		return err_sys(e, "%s/" STORE_INCOMING, c->path);
	return 0;
}

/* .incoming as it has to be for a receiver; *b gets what it is. */
static int
take_incoming(const struct store_client *c, int fd, struct store_build *b,
    struct err *e)
{
	struct stat st;

	b->backend = store_btrfs_subvol(fd) ? STORE_BTRFS : STORE_HARDLINK;
	/* A run that was killed while finishing left it read-only. */
	if (b->backend == STORE_BTRFS &&
	    store_btrfs_readonly(fd, c->path, false, e) == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		return err_sys(e, "%s/" STORE_INCOMING, c->path);
	b->dev = st.st_dev;
	b->ino = st.st_ino;
	b->listed = !b->resumed && c->since != NULL &&
	    strcmp(b->prev, c->since) == 0 && store_listed_can(c, b);
	/* A new folder has nothing in it, a new subvolume all of the basis. */
	return !b->listed && (b->resumed || b->backend == STORE_BTRFS) ?
	    store_loosen(fd, c->path, b->backend, e) : 0;
}

/* Whether a broken run of another job has left .incoming: nothing of it is of
 * use for this one, and it would be weighed against a snapshot that it has
 * nothing of. */
static bool
another_jobs(const struct store_client *c)
{
	struct store_begun b;

	return store_begun_get(c, &b) &&
	    strcmp(b.job, c->job != NULL ? c->job : "") != 0;
}

/* A new one, and what it is. */
static int
begin(const struct store_client *c, const char *prev, struct err *e)
{
	struct store_begun b = { .job = "" };

	snprintf(b.job, sizeof(b.job), "%s", c->job != NULL ? c->job : "");
	snprintf(b.basis, sizeof(b.basis), "%s", prev);
	return store_begun_put(c, &b, e) == -1 ? -1 :
	    make_incoming(c, prev, e);
}

int
store_build_begin(const struct store_client *c, struct store_build *ret,
    struct err *e)
{
	const struct store_snap *basis;
	struct store_build b = { 0 };
	struct store_list l = { 0 };
	int fd = -1, rc = -1;

	if (store_lend(c, e) == -1 || store_list_read(c, &l, e) == -1)
		return -1;
	basis = store_basis(c, &l);
	if (store_basis_wide(c, basis)) {
		if (store_remove_incoming(c, e) == -1)
			goto out;
		/* What is linked is what rsync lists. */
		if (store_build_pick(c) == STORE_BTRFS)
			basis = NULL;
	}
	if (basis != NULL && store_basis_ours(c, basis))
		snprintf(b.prev, sizeof(b.prev), "%s", basis->name);
	b.resumed = faccessat(c->fd, STORE_INCOMING, F_OK,
	    AT_SYMLINK_NOFOLLOW) == 0;
	if (b.resumed && another_jobs(c)) {
		if (store_remove_incoming(c, e) == -1)
			goto out;
		b.resumed = false;
	}
	if (!b.resumed && begin(c, b.prev, e) == -1)
		goto out;
	if (store_file_dir(c->fd, c->path, STORE_INCOMING, &fd, e) == -1 ||
	    take_incoming(c, fd, &b, e) == -1 ||
	    store_lend_incoming(c, fd, e) == -1)
		goto out;
	if (b.backend == STORE_HARDLINK && b.prev[0] != '\0')
		snprintf(b.link_dest, sizeof(b.link_dest), "../%s", b.prev);
	*ret = b;
	rc = 0;
out:
	if (fd != -1)
		close(fd);
	store_list_clear(&l);
	return rc;
}

/* Whether name in c's folder is what was begun: 1, 0. */
static int
same(const struct store_client *c, const struct store_build *b,
    const char *name)
{
	struct stat st;

	return fstatat(c->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode) && st.st_dev == b->dev && st.st_ino == b->ino;
}

/* All of it is on the disk, and (btrfs) is ours and can't change any more.
 * tidy: there may be parts of files in it. */
static int
settle(const struct store_client *c, const struct store_build *b, bool tidy,
    struct err *e)
{
	int fd, rc = -1;

	if (store_file_dir(c->fd, c->path, STORE_INCOMING, &fd, e) == -1)
		return -1;
	if (!same(c, b, STORE_INCOMING)) {
		err_set(e, ERR_UNSAFE, "%s/" STORE_INCOMING ": is not the "
		    "folder that was begun", c->path);
		goto out;
	}
	if (tidy && store_tidy(fd, c->path, e) == -1)
		goto out;
	if (b->backend == STORE_BTRFS && store_lend_back(c, fd, e) == -1)
		goto out;
	/* Through c->fd: it was open while the data came, so it is told of
	 * each error in writing it back (syncfs(2)). */
	if (syncfs(c->fd) == -1) {
		err_sys(e, "%s: syncfs", c->path);
		goto out;
	}
	if (b->backend == STORE_BTRFS &&
	    store_btrfs_readonly(fd, c->path, true, e) == -1)
		goto out;
	rc = 0;
out:
	close(fd);
	return rc;
}

static void
wait_for_next_second(void)
{
	struct timespec ts;

	/* By the length of it: the clock may be set meanwhile. */
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec = 1000000000l - ts.tv_nsec;
	ts.tv_sec = ts.tv_nsec / 1000000000l;
	ts.tv_nsec %= 1000000000l;
	nanosleep(&ts, NULL);
}

/* A name of this second, or of the next one that has no snapshot. */
static int
free_name(const struct store_client *c, char ret[STORE_SNAP_MAX],
    struct err *e)
{
	struct snapname n;
	struct stat st;
	int try;

	snprintf(n.client, sizeof(n.client), "%s", c->name);
	for (try = 0; try < TRIES_MAX; try++) {
		if (try > 0)
			wait_for_next_second();
		n.time_s = c->store->now();
		if (snapname_emit(&n, ret, e) == -1)
			return -1;
		if (fstatat(c->fd, ret, &st, AT_SYMLINK_NOFOLLOW) == -1)
			return errno == ENOENT ? 0 :
			    err_sys(e, "%s/%s", c->path, ret);
	}
	return err_set(e, ERR_BUSY, "%s: %d seconds in a row have a snapshot "
	    "already", c->path, TRIES_MAX);
}

/* What a reader will hold it by; on a full disk it could not be made. */
static int
make_hold(const struct store_client *c, const char *name, struct err *e)
{
	int dir, fd;

	if (store_file_dir(c->admin_fd, c->admin_path, "hold", &dir, e) == -1)
		return -1;
	fd = openat(dir, name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1)
		err_sys(e, "%s/hold/%s", c->admin_path, name);
	close(dir);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

/* Rename .incoming to name, which nothing has: 0, or -1 with errno. */
static int
rename_new(int fd, const char *name)
{
	struct stat st;

	if (renameat2(fd, STORE_INCOMING, fd, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* A file system without it. We hold the lock, so a look will do. */
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(fd, STORE_INCOMING, fd, name);
}

int
store_build_finish(const struct store_client *c, const struct store_build *b,
    struct store_rec *rec, char ret[STORE_SNAP_MAX], struct err *e)
{
	char name[STORE_SNAP_MAX], trash[STORE_SNAP_MAX + 16];

	rec->backend = b->backend;
	rec->receiver = c->recv_uid;
	if (settle(c, b, b->resumed || rec->partial, e) == -1)
		return -1;
	for (;;) {
		if (free_name(c, name, e) == -1 ||
		    make_hold(c, name, e) == -1 ||
		    store_rec_put(c, name, rec, e) == -1)
			return -1;
		if (rename_new(c->fd, name) == 0)
			break;
		if (errno != EEXIST)
			return err_sys(e, "%s/" STORE_INCOMING ": naming it "
			    "%s", c->path, name);
	}
	if (!same(c, b, name)) {
		snprintf(trash, sizeof(trash), STORE_TRASH "%s", name);
		(void)renameat(c->fd, name, c->fd, trash);
		return err_set(e, ERR_UNSAFE, "%s/%s: is not the folder that "
		    "was begun", c->path, name);
	}
	if (fsync(c->fd) == -1)
		return err_sys(e, "%s/%s: it is named, but fsync of its "
		    "folder failed", c->path, name);
	snprintf(ret, STORE_SNAP_MAX, "%s", name);
	return 0;
}
