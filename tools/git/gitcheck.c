/* SPDX-License-Identifier: ISC */
#include "gitcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyline.h"
#include "sys/file.h"
#include "sys/lock.h"

#define NEW	"/run/.postern-git-check"

/* One that nobody has open, and locked before it can be opened. GITCHECK_LOCK
 * is held. */
static int
make(gid_t gid, const char *text, size_t n, int *ret_fd, struct err *e)
{
	int fd;

	(void)unlink(NEW);
	fd = open(NEW, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1)
		return err_sys(e, NEW);
	if (flock(fd, LOCK_EX | LOCK_NB) == -1 ||
	    pwrite(fd, text, n, 0) != (ssize_t)n || fchown(fd, 0, gid) == -1 ||
	    fchmod(fd, 0640) == -1 || rename(NEW, GITCHECK_PATH) == -1) {
		err_sys(e, NEW);
		(void)unlink(NEW);
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

int
gitcheck_open(gid_t gid, const char *fp, const char *line,
    struct gitcheck *ret, struct err *e)
{
	char text[GITCHECK_MAX];
	struct gitcheck c = GITCHECK_NONE;
	int len = snprintf(text, sizeof(text), "# %s\n%s%s", fp,
	    line != NULL ? line : "", line != NULL ? "\n" : "");

	if (len < 0 || (size_t)len >= sizeof(text))
		return err_set(e, ERR_CONFIG, "a path of ours is too long");
	if (lock_take(GITCHECK_LOCK, 0, &c.lock, e) == -1)
		return e == NULL || e->code != ERR_BUSY ? -1 : err_set(e,
		    ERR_BUSY, "another check is under way");
	if (make(gid, text, (size_t)len, &c.fd, e) == -1) {
		close(c.lock);
		return -1;
	}
	*ret = c;
	return 0;
}

void
gitcheck_close(struct gitcheck *c)
{
	if (c->fd == -1)
		return;
	/* Whoever has it open by now looks whether it is still there. */
	(void)unlink(GITCHECK_PATH);
	close(c->fd);
	close(c->lock);
	*c = (struct gitcheck)GITCHECK_NONE;
}

/* Root's, so that nobody but root can say who it is. */
static bool
says(int fd, const char *fp)
{
	char text[KEYLINE_FP_TEXT + 3], want[KEYLINE_FP_TEXT + 3];
	struct stat st;
	int n = snprintf(want, sizeof(want), "# %s\n", fp);

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_uid != 0 ||
	    (st.st_mode & 022) != 0)
		return false;
	return n > 0 && (size_t)n < sizeof(want) &&
	    pread(fd, text, (size_t)n, 0) == n &&
	    memcmp(text, want, (size_t)n) == 0;
}

bool
gitcheck_is(const char *fp)
{
	int fd = open(GITCHECK_PATH, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NONBLOCK | O_NOCTTY);
	bool held;

	if (fd == -1)
		return false;
	/* What a check left that was killed has no lock any more. */
	held = says(fd, fp) && flock(fd, LOCK_SH | LOCK_NB) == -1 &&
	    errno == EWOULDBLOCK;
	close(fd);
	return held;
}
