/* SPDX-License-Identifier: ISC */
#include "send_mask.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "expand.h"
#include "grants.h"
#include "rules.h"
#include "sys/beneath.h"

/* Of linux/mount.h, as in view.c. */
#define FS_CREATE 6U
#define FS_CLOEXEC 1U
#define TREE_CLONE 1U
#define MOVE_EMPTY_FROM 4U
#define MOVE_EMPTY_TO 0x40U
#define ATTRS 15U		/* ro, nosuid, nodev, noexec */

/* 0, 1 when we may not, -1. */
static int
own_mounts(struct err *e)
{
	if (unshare(CLONE_NEWNS) == -1)
		return 1;
	/* Ours stay here; what is unmounted outside goes here as well. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == -1)
		return errno == EPERM || errno == EACCES ? 1 :
		    err_sys(e, "mounts of our own");
	return 0;
}

/* An empty folder, mounted nowhere yet. */
static int
make_empty(int *ret_fd, struct err *e)
{
	int fs = (int)syscall(SYS_fsopen, "tmpfs", FS_CLOEXEC), fd = -1;

	if (fs != -1 && syscall(SYS_fsconfig, fs, FS_CREATE, NULL, NULL,
	    0) == 0)
		fd = (int)syscall(SYS_fsmount, fs, FS_CLOEXEC, ATTRS);
	if (fd == -1)
		err_sys(e, "an empty folder to hide excluded ones");
	else
		*ret_fd = fd;
	if (fs != -1)
		close(fs);
	return fd == -1 ? -1 : 0;
}

static int
mask(int empty, const char *path, struct err *e)
{
	int at = nolinks_open(path, O_PATH | O_DIRECTORY);
	int copy, rc = -1;

	/* Not there, or no folder: nothing is below it. */
	if (at == -1 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return 0;
	if (at == -1)
		return err_sys(e, "%s: hiding it", path);
	copy = (int)syscall(SYS_open_tree, empty, "", TREE_CLONE |
	    AT_EMPTY_PATH | O_CLOEXEC);
	if (copy != -1)
		rc = (int)syscall(SYS_move_mount, copy, "", at, "",
		    MOVE_EMPTY_FROM | MOVE_EMPTY_TO);
	if (rc == -1)
		err_sys(e, "%s: hiding it", path);
	if (copy != -1)
		close(copy);
	close(at);
	return rc;
}

/* One of them is path or lies below it. */
static bool
holds_one(const char *path, const struct strv *them)
{
	size_t i, n = strlen(path);

	for (i = 0; i < them->n; i++)
		if (strncmp(them->v[i], path, n) == 0 &&
		    (them->v[i][n] == '/' || them->v[i][n] == '\0'))
			return true;
	return false;
}

/* Whether path may be empty: it is an exclude, and nothing needed is in it. */
static bool
may_mask(const struct expand *x, const struct strv *keep, const char *path)
{
	size_t i;

	for (i = 0; rules_unreal[i] != NULL; i++)
		if (strcmp(rules_unreal[i], path) == 0)
			return false;
	return !holds_one(path, &x->roots) && !holds_one(path, keep);
}

static int
mask_all(const struct expand *x, const struct strv *keep,
    const struct strv *paths, int empty, struct err *e)
{
	size_t i;

	for (i = 0; i < paths->n; i++)
		if (may_mask(x, keep, paths->v[i]) &&
		    mask(empty, paths->v[i], e) == -1)
			return -1;
	return 0;
}

/* A grants_fn. */
static int
take(void *arg, char letter, const char *path, struct err *e)
{
	return letter == 'l' ? 0 : expand_add(arg, letter, path, e);
}

int
send_mask(const struct buf *text, const struct strv *keep, struct err *e)
{
	struct expand x = { .roots = { 0 } };
	int empty = -1, rc;

	rc = grants_parse(text->data, text->len, take, &x, e);
	if (rc == -1 || x.hidden.n + x.folders.n == 0)
		goto out;
	rc = own_mounts(e);
	if (rc == 0)
		rc = make_empty(&empty, e);
	if (rc == 0)
		rc = mask_all(&x, keep, &x.hidden, empty, e);
	if (rc == 0)
		rc = mask_all(&x, keep, &x.folders, empty, e);
	if (empty != -1)
		close(empty);
out:
	expand_clear(&x);
	return rc == -1 ? -1 : 0;
}
