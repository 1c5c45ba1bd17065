/* SPDX-License-Identifier: ISC */
#include "gitrun.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int
ours(int fd, const char *dir, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "%s", dir);
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return err_set(e, ERR_UNSAFE, "%s: has to belong to the user "
		    "that this runs as (%u), and nobody else may write "
		    "there", dir, (unsigned)geteuid());
	return 0;
}

int
gitrun_open(const char *dir, const char *sub, int *ret_fd, struct err *e)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int top = open(dir, flags), fd = -1, rc = -1;

	if (top == -1)
		return err_sys(e, "%s", dir);
	if (ours(top, dir, e) == -1)
		goto out;
	if (mkdirat(top, sub, 0700) == -1 && errno != EEXIST) {
		err_sys(e, "%s/%s", dir, sub);
		goto out;
	}
	fd = openat(top, sub, flags);
	if (fd == -1) {
		err_sys(e, "%s/%s", dir, sub);
		goto out;
	}
	if (ours(fd, dir, e) == -1) {
		close(fd);
		goto out;
	}
	*ret_fd = fd;
	rc = 0;
out:
	close(top);
	return rc;
}
