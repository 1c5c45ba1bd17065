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

int
gitcheck_open(gid_t gid, const char *fp, const char *line, int *ret_fd,
    struct err *e)
{
	char text[GITCHECK_MAX];
	int fd, len = snprintf(text, sizeof(text), "# %s\n%s%s", fp,
	    line != NULL ? line : "", line != NULL ? "\n" : "");
	size_t n = (size_t)len;

	if (len < 0 || n >= sizeof(text))
		return err_set(e, ERR_CONFIG, "a path of ours is too long");
	if (lock_take(GITCHECK_PATH, 0, &fd, e) == -1)
		return e == NULL || e->code != ERR_BUSY ? -1 : err_set(e,
		    ERR_BUSY, "another check is under way");
	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, n, 0) != (ssize_t)n ||
	    fchown(fd, 0, gid) == -1 || fchmod(fd, 0640) == -1) {
		err_sys(e, GITCHECK_PATH);
		gitcheck_close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

void
gitcheck_close(int fd)
{
	if (fd == -1)
		return;
	/* Whoever has it open by now looks whether it is still there. */
	(void)unlink(GITCHECK_PATH);
	close(fd);
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
