/* SPDX-License-Identifier: ISC */
#include "imgtree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bootprog.h"

#define UNPACK_MS	(300u * 1000)

/* Not /tmp or /run: programs of the image are run there. */
static const char template[] = "/var/tmp/postern-boot.XXXXXX";

static int
open_in(const struct imgtree *t, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC),
	    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, t->fd, path, &how, sizeof(how));
}

static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
#define ENDS (sizeof(ends) / sizeof(ends[0]))

/* The boot host key lies in there: nobody leaves without wiping it. One that is
 * ignored (nohup, a script's background) ends nobody; held, it would wait. */
static void
hold_signals(struct imgtree *t)
{
	struct sigaction sa;
	size_t i;

	sigemptyset(&t->ends);
	for (i = 0; i < ENDS; i++)
		if (sigaction(ends[i], NULL, &sa) == 0 &&
		    sa.sa_handler != SIG_IGN)
			sigaddset(&t->ends, ends[i]);
	t->held = sigprocmask(SIG_BLOCK, &t->ends, &t->mask) == 0;
}

bool
imgtree_interrupted(const struct imgtree *t)
{
	sigset_t set;
	size_t i;

	if (t->held && sigpending(&set) == 0)
		for (i = 0; i < ENDS; i++)
			if (sigismember(&set, ends[i]) == 1 &&
			    sigismember(&t->ends, ends[i]) == 1)
				return true;
	return false;
}

/* All that is in dir, and dir itself if top is set. */
static void
wipe(const char *dir, bool top)
{
	char *const paths[] = { (char *)dir, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV,
	    NULL);
	FTSENT *f;

	while (fts != NULL && (f = fts_read(fts)) != NULL) {
		if (f->fts_info == FTS_D ||
		    (f->fts_info == FTS_DP && f->fts_level == 0 && !top))
			continue;
		if (f->fts_info == FTS_DP)
			(void)rmdir(f->fts_accpath);
		else
			(void)unlink(f->fts_accpath);
	}
	if (fts != NULL)
		fts_close(fts);
}

/* dir is mounted over itself, for this process and its children alone, where
 * programs or devices on that file system would do nothing. */
static void
make_runnable(struct imgtree *t)
{
	struct statvfs v;

	if (statvfs(t->dir, &v) == -1 ||
	    (v.f_flag & (ST_NOEXEC | ST_NODEV)) == 0 ||
	    unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount(t->dir, t->dir, NULL, MS_BIND, NULL) == -1)
		return;
	t->mounted = true;
	(void)mount(NULL, t->dir, NULL, MS_REMOUNT | MS_BIND | MS_NOSUID,
	    NULL);
}

/* Each knows images that the other doesn't: the first that succeeds. */
static int
unpack(const char *image, const char *dir, struct err *e)
{
	char *const debian[] = { "unmkinitramfs", (char *)image, (char *)dir,
	    NULL };
	char *const dracut[] = { "lsinitrd", "--unpack", (char *)image, NULL };
	char *const *const ways[] = { debian, dracut };
	struct bootprog p = { .dir = dir, .timeout_ms = UNPACK_MS };
	bool tried = false;
	size_t i;

	for (i = 0; i < 2; i++) {
		p.argv = ways[i];
		if (!bootprog_have(ways[i][0], NULL))
			continue;
		tried = true;
		if (bootprog_ok(&p, e) == 0)
			return 0;
		wipe(dir, false);
	}
	if (!tried)
		return err_set(e, ERR_CONFIG, "neither unmkinitramfs nor "
		    "lsinitrd is here, which unpack images");
	return err_wrap(e, "%s", image);
}

int
imgtree_open(struct imgtree *t, const char *image, struct err *e)
{
	char path[4096];
	struct stat st;
	int fd;

	*t = (struct imgtree){ .fd = -1 };
	/* Who unpacks it is elsewhere by then; and it has to be readable. */
	if (realpath(image, path) == NULL)
		return err_sys(e, "%s", image);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		if (fd != -1)
			close(fd);
		return err_sys(e, "%s", image);
	}
	close(fd);
	/* Its programs are run here. */
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022) != 0)
		return err_set(e, ERR_UNSAFE, "%s: isn't a file that root "
		    "alone can write; its programs would be run", image);
	hold_signals(t);
	memcpy(t->dir, template, sizeof(template));
	if (mkdtemp(t->dir) == NULL) {
		t->dir[0] = '\0';
		return err_sys(e, "%s", template);
	}
	make_runnable(t);
	if (unpack(path, t->dir, e) == -1)
		return -1;
	/* One part for the processor's microcode before it: two folders. */
	snprintf(t->root, sizeof(t->root), "%s/main", t->dir);
	if (stat(t->root, &st) == -1)
		snprintf(t->root, sizeof(t->root), "%s", t->dir);
	t->fd = open(t->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return t->fd != -1 ? 0 : err_sys(e, "%s", t->root);
}

void
imgtree_close(struct imgtree *t)
{
	if (t->fd != -1)
		close(t->fd);
	t->fd = -1;
	if (t->dir[0] != '\0') {
		wipe(t->dir, !t->mounted);
		if (t->mounted && umount2(t->dir, MNT_DETACH) == 0)
			(void)rmdir(t->dir);
	}
	t->mounted = false;
	t->dir[0] = '\0';
	if (t->held)
		sigprocmask(SIG_SETMASK, &t->mask, NULL);
	t->held = false;
}

int
imgtree_stat(const struct imgtree *t, const char *path, struct stat *ret)
{
	int fd = open_in(t, path, O_PATH), rc;

	if (fd == -1)
		return -1;
	rc = fstat(fd, ret);
	close(fd);
	return rc;
}

bool
imgtree_has(const struct imgtree *t, const char *path)
{
	struct stat st;

	return imgtree_stat(t, path, &st) == 0;
}

bool
imgtree_read(const struct imgtree *t, const char *path, struct buf *out)
{
	char chunk[4096];
	struct stat st;
	ssize_t n = -1;
	int fd = open_in(t, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

	if (fd == -1)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		while ((n = read(fd, chunk, sizeof(chunk))) > 0)
			if (buf_add(out, chunk, (size_t)n) == -1)
				break;
	close(fd);
	return n == 0 && strlen(out->data) == out->len;
}

static bool
begins(const char *name, const char *start, const char *after)
{
	size_t n = strlen(start), i;

	if (n == 0)
		return strstr(name, after) != NULL;
	for (i = 0; i < n; i++)
		if (name[i] != start[i] && !(strchr("-_", start[i]) != NULL &&
		    name[i] != '\0' && strchr("-_", name[i]) != NULL))
			return false;
	return strncmp(name + n, after, strlen(after)) == 0;
}

bool
imgtree_find(const struct imgtree *t, const char *dir, const char *start,
    const char *after)
{
	char path[64 + 40];
	char *paths[] = { path, NULL };
	bool found = false;
	FTSENT *f;
	FTS *fts;
	int fd = open_in(t, dir, O_PATH | O_DIRECTORY);

	if (fd == -1)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/.", fd);
	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	while (fts != NULL && !found && (f = fts_read(fts)) != NULL)
		found = f->fts_info != FTS_D && f->fts_info != FTS_DP &&
		    begins(f->fts_name, start, after);
	if (fts != NULL)
		fts_close(fts);
	close(fd);
	return found;
}
