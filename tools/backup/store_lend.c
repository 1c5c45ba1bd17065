/* SPDX-License-Identifier: ISC */
#include "store_lend.h"

#include <endian.h>
#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "store_remove.h"

#define LIST "system.posix_acl_access"
#define ENTRIES 5

struct list {
	struct posix_acl_xattr_header head;
	struct posix_acl_xattr_entry v[ENTRIES];
};

/* user::rwx, user:UID:--x, group::---, mask::--x, other::--- */
static struct list
list_for(uid_t uid)
{
	static const struct {
		uint16_t tag, perm;
	} rows[ENTRIES] = {
		{ ACL_USER_OBJ, ACL_READ | ACL_WRITE | ACL_EXECUTE },
		{ ACL_USER, ACL_EXECUTE }, { ACL_GROUP_OBJ, 0 },
		{ ACL_MASK, ACL_EXECUTE }, { ACL_OTHER, 0 },
	};
	struct list l = { .head.a_version = htole32(POSIX_ACL_XATTR_VERSION) };
	size_t i;

	for (i = 0; i < ENTRIES; i++) {
		l.v[i].e_tag = htole16(rows[i].tag);
		l.v[i].e_perm = htole16(rows[i].perm);
		l.v[i].e_id = htole32(rows[i].tag == ACL_USER ? uid :
		    (uint32_t)ACL_UNDEFINED_ID);
	}
	return l;
}

int
store_lend_to(const struct store_client *c, uid_t *ret, struct err *e)
{
	struct list have, ours;
	struct stat st;
	ssize_t n = fgetxattr(c->fd, LIST, &have, sizeof(have));

	*ret = 0;
	if (n == -1 && (errno == ENODATA || errno == EOPNOTSUPP))
		return 0;
	/* An empty mask, as chmod 700 leaves it: it lets nobody through. */
	if (fstat(c->fd, &st) == 0 && (st.st_mode & 070) == 0)
		return 0;
	if (n == (ssize_t)sizeof(have)) {
		ours = list_for(le32toh(have.v[1].e_id));
		if (memcmp(&have, &ours, sizeof(have)) == 0) {
			*ret = le32toh(have.v[1].e_id);
			return 0;
		}
	}
	return err_set(e, ERR_UNSAFE, "%s: has an access control list that is "
	    "none of ours (setfacl -b takes it away)", c->path);
}

int
store_lend(const struct store_client *c, struct err *e)
{
	struct list l = list_for(c->recv_uid);
	uid_t now;

	if (store_lend_to(c, &now, e) == -1)
		return -1;
	if (now == c->recv_uid)
		return 0;
	/* A broken run's files belong to who received them. */
	if (store_remove_incoming(c, e) == -1)
		return -1;
	if (c->recv_uid == 0 && fchmod(c->fd, 0700) == 0 &&
	    fremovexattr(c->fd, LIST) == 0)
		return 0;
	if (c->recv_uid != 0 && fsetxattr(c->fd, LIST, &l, sizeof(l), 0) == 0)
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
