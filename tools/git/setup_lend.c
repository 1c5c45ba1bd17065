/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "setup_both.h"
#include "sys/lend.h"

#define OWNER	(ACL_READ | ACL_WRITE)
#define LENT	ACL_READ

bool
setup_lent(const char *path, uid_t uid)
{
	struct stat st;
	struct lend has;
	uid_t whom;
	ssize_t n;

	if (lstat(path, &st) == -1 || !S_ISREG(st.st_mode))
		return false;
	n = lgetxattr(path, LEND_XATTR, &has, sizeof(has));
	if (n == -1 && errno == EOPNOTSUPP)
		return st.st_uid == uid && (st.st_mode & 07777) == 0400;
	return st.st_uid == 0 && lend_whose(&has, n, OWNER, LENT, &whom) &&
	    whom == uid;
}

int
setup_lend(const char *path, uid_t uid, gid_t gid, struct err *e)
{
	struct lend ours = lend_make(uid, OWNER, LENT);

	/* First nobody's but root's, whatever list was there. */
	if (lchown(path, 0, 0) == -1 || chmod(path, 0600) == -1)
		return err_sys(e, "%s", path);
	if (lsetxattr(path, LEND_XATTR, &ours, sizeof(ours), 0) == 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return err_sys(e, "%s: its access control list", path);
	return chmod(path, 0400) == -1 || lchown(path, uid, gid) == -1 ?
	    err_sys(e, "%s", path) : 0;
}
