/* SPDX-License-Identifier: ISC */
#include "store_listed.h"

#include <sys/stat.h>
#include <unistd.h>

#include "store_btrfs.h"
#include "store_file.h"
#include "store_fill.h"
#include "store_loose.h"
#include "store_ready.h"

bool
store_listed_can(const struct store_client *c, const struct store_build *b)
{
	struct stat st;
	bool can = false;
	int fd;

	if (store_file_dir(c->fd, c->path, b->prev, &fd, NULL) == -1)
		return false;
	if (b->backend == STORE_BTRFS)
		can = store_btrfs_subvol(fd);
	else if (fstat(fd, &st) == 0)
		can = st.st_dev == b->dev;
	close(fd);
	return can;
}

int
store_listed_not(const struct store_client *c, struct store_build *b,
    struct err *e)
{
	int fd, rc = 0;

	b->listed = false;
	if (b->backend != STORE_BTRFS)
		return 0;
	if (store_file_dir(c->fd, c->path, STORE_INCOMING, &fd, e) == -1)
		return -1;
	rc = store_loosen(fd, c->path, b->backend, e);
	close(fd);
	return rc;
}

int
store_listed_before(const struct store_client *c, const struct store_build *b,
    const struct changes *changes, struct err *e)
{
	int fd, rc;

	if (b->backend != STORE_BTRFS)
		return 0;
	if (store_file_dir(c->fd, c->path, STORE_INCOMING, &fd, e) == -1)
		return -1;
	rc = store_ready(fd, c->path, changes, e);
	close(fd);
	return rc;
}

int
store_listed_after(const struct store_client *c, const struct store_build *b,
    const struct changes *changes, int64_t top_ns, const atomic_bool *stop,
    struct err *e)
{
	int fd = -1, prev = -1, rc = -1;

	if (store_file_dir(c->fd, c->path, STORE_INCOMING, &fd, e) == -1)
		return -1;
	if (b->backend == STORE_BTRFS)
		rc = 0;
	else if (store_file_dir(c->fd, c->path, b->prev, &prev, e) == 0)
		rc = store_fill_after(prev, fd, c->path, changes, stop, e);
	if (rc == 0)
		rc = store_fill_top(fd, c->path, top_ns, e);
	close(fd);
	if (prev != -1)
		close(prev);
	return rc;
}
