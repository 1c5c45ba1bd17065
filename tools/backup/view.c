/* SPDX-License-Identifier: ISC */
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of linux/mount.h, which does not get on with every sys/mount.h. */
#define TREE_CLONE 1U
#define TREE_RECURSIVE 0x8000U
#define MOVE_EMPTY_FROM 4U
#define ATTR_RDONLY 1U
#define ATTR_NOSUID 2U
#define ATTR_NODEV 4U
#define ATTR_NOEXEC 8U
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#define ITEMS_MAX 32
#define DIR_AT "/dir"

struct attr {
	uint64_t set, clr, propagation, userns;
};

struct item {
	int fd;			/* a mount of its own, placed nowhere yet */
	const char *path;
	uint64_t attr;
};

static int
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc;

	if (fd == -1)
		return -1;
	rc = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return rc;
}

/* Ours stay what they are. */
static int
map_ids(uid_t uid, gid_t gid)
{
	char text[64];

	snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	if (put("/proc/self/uid_map", text) == -1 ||
	    put("/proc/self/setgroups", "deny") == -1)
		return -1;
	snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	return put("/proc/self/gid_map", text);
}

/* 0, 1 when we may not, -1. */
static int
own_mounts(bool users, struct err *e)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWNS) == -1) {
		if (!users || unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1)
			return 1;
		if (map_ids(uid, gid) == -1)
			return err_sys(e, "ids of the user namespace");
	}
	/* Some systems make namespaces and let nothing be done there. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		return errno == EPERM || errno == EACCES ? 1 :
		    err_sys(e, "private mounts");
	return 0;
}

/* 1: path does not exist. */
static int
take(struct item *item, const char *path, uint64_t attr, struct err *e)
{
	struct attr a = { .set = attr };

	item->path = path;
	item->fd = (int)syscall(SYS_open_tree, AT_FDCWD, path,
	    TREE_CLONE | TREE_RECURSIVE | O_CLOEXEC);
	if (item->fd == -1 && errno == ENOENT)
		return 1;
	if (item->fd == -1)
		return err_sys(e, "%s: open_tree", path);
	if (syscall(SYS_mount_setattr, item->fd, "",
	    AT_EMPTY_PATH | TREE_RECURSIVE, &a, sizeof(a)) == -1)
		return err_sys(e, "%s: mount_setattr", path);
	return 0;
}

/* The folders above, and something to mount upon. */
static int
make_place(const char *path, bool folder)
{
	char part[PATH_MAX];
	size_t i, len = strlen(path);
	int fd;

	if (len >= sizeof(part))
		return -1;
	for (i = 1; i <= len; i++) {
		if (path[i] != '/' && (path[i] != '\0' || !folder))
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part + 1, 0755) == -1 && errno != EEXIST)
			return -1;
	}
	if (folder)
		return 0;
	fd = open(path + 1, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

/* In the new root. */
static int
place(const struct item *item, const char *at, struct err *e)
{
	struct stat st;

	if (fstat(item->fd, &st) == -1 ||
	    make_place(at, S_ISDIR(st.st_mode)) == -1 ||
	    syscall(SYS_move_mount, item->fd, "", AT_FDCWD, at + 1,
		MOVE_EMPTY_FROM) == -1)
		return err_sys(e, "%s: move_mount", item->path);
	return 0;
}

static int
build(const struct item *items, size_t n, bool proc, struct err *e)
{
	size_t i;

	if (mount("postern", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV,
	    "mode=0755,size=1m") == -1 || chdir("/tmp") == -1)
		return err_sys(e, "a new root");
	for (i = 0; i < n; i++)
		if (place(&items[i], i == 0 ? DIR_AT : items[i].path,
		    e) == -1)
			return -1;
	if (proc && mkdir("proc", 0755) == 0)
		(void)mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV |
		    MS_NOEXEC, "hidepid=ptraceable,subset=pid");
	if (syscall(SYS_pivot_root, ".", ".") == -1 ||
	    umount2(".", MNT_DETACH) == -1 || chdir(DIR_AT) == -1)
		return err_sys(e, "pivot_root");
	return 0;
}

int
view_enter(const char *dir, const char *const *paths, bool users, bool proc,
    struct err *e)
{
	struct item items[ITEMS_MAX];
	size_t n = 0;
	mode_t mask;
	int rc = own_mounts(users, e);

	if (rc != 0)
		return rc;
	rc = take(&items[n++], dir, ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC,
	    e);
	if (rc == 1)
		rc = err_sys(e, "%s", dir);
	for (; *paths != NULL && n < ITEMS_MAX && rc != -1; paths++) {
		rc = take(&items[n], *paths, ATTR_NOSUID | ATTR_RDONLY, e);
		n += rc != 1;
	}
	/* Whoever rsync becomes must get through these folders. */
	if (rc != -1) {
		mask = umask(022);
		rc = build(items, n, proc, e);
		umask(mask);
	}
	while (n > 0)
		if (items[--n].fd != -1)
			close(items[n].fd);
	return rc;
}
