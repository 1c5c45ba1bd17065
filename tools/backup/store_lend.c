/* SPDX-License-Identifier: ISC */
#include "store_lend.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "store_remove.h"
#include "sys/lend.h"

#define OWNER	(ACL_READ | ACL_WRITE | ACL_EXECUTE)
#define LENT	ACL_EXECUTE	/* through it, no more */

int
store_lend_to(const struct store_client *c, uid_t *ret, struct err *e)
{
	struct lend have;
	struct stat st;
	ssize_t n = fgetxattr(c->fd, LEND_XATTR, &have, sizeof(have));

	*ret = 0;
	if (n == -1 && (errno == ENODATA || errno == EOPNOTSUPP))
		return 0;
	/* An empty mask, as chmod 700 leaves it: it lets nobody through. */
	if (fstat(c->fd, &st) == 0 && (st.st_mode & 070) == 0)
		return 0;
	if (lend_whose(&have, n, OWNER, LENT, ret))
		return 0;
	return err_set(e, ERR_UNSAFE, "%s: has an access control list that is "
	    "none of ours (setfacl -b takes it away)", c->path);
}

int
store_lend(const struct store_client *c, struct err *e)
{
	struct lend l = lend_make(c->recv_uid, OWNER, LENT);
	uid_t now;

	if (store_lend_to(c, &now, e) == -1)
		return -1;
	if (now == c->recv_uid)
		return 0;
	/* A broken run's files belong to who received them. */
	if (store_remove_incoming(c, e) == -1)
		return -1;
	if (c->recv_uid == 0 && fchmod(c->fd, 0700) == 0 &&
	    fremovexattr(c->fd, LEND_XATTR) == 0)
		return 0;
	if (c->recv_uid != 0 && fsetxattr(c->fd, LEND_XATTR, &l, sizeof(l),
	    0) == 0)
		return 0;
	return err_sys(e, "%s: its access control list", c->path);
}

int
store_lend_incoming(const struct store_client *c, int fd, struct err *e)
{
	struct stat st;

	if (c->recv_uid == 0 || (fstat(fd, &st) == 0 &&
	    st.st_uid == c->recv_uid) ||
	    fchown(fd, c->recv_uid, (gid_t)-1) == 0)
		return 0;
	return err_sys(e, "%s/" STORE_INCOMING ": giving it to uid %u",
	    c->path, c->recv_uid);
}

int
store_lend_back(const struct store_client *c, int fd, struct err *e)
{
	if (c->recv_uid == 0 || fchown(fd, geteuid(), (gid_t)-1) == 0)
		return 0;
	return err_sys(e, "%s/" STORE_INCOMING ": taking it back", c->path);
}
