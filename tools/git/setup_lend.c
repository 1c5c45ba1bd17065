/* SPDX-License-Identifier: ISC */
#include <endian.h>
#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "setup_both.h"

#define LIST	"system.posix_acl_access"
#define ENTRIES	5

struct list {
	struct posix_acl_xattr_header head;
	struct posix_acl_xattr_entry v[ENTRIES];
};

/* user::rw-, user:UID:r--, group::---, mask::r--, other::--- */
static struct list
list_for(uid_t uid)
{
	static const struct {
		uint16_t tag, perm;
	} rows[ENTRIES] = {
		{ ACL_USER_OBJ, ACL_READ | ACL_WRITE },
		{ ACL_USER, ACL_READ }, { ACL_GROUP_OBJ, 0 },
		{ ACL_MASK, ACL_READ }, { ACL_OTHER, 0 },
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

bool
setup_lent(const char *path, uid_t uid)
{
	struct list ours = list_for(uid), has;
	struct stat st;
	ssize_t n;

	if (lstat(path, &st) == -1 || !S_ISREG(st.st_mode))
		return false;
	n = lgetxattr(path, LIST, &has, sizeof(has));
	if (n == -1 && errno == EOPNOTSUPP)
		return st.st_uid == uid && (st.st_mode & 07777) == 0400;
	return st.st_uid == 0 && n == (ssize_t)sizeof(has) &&
	    memcmp(&has, &ours, sizeof(has)) == 0;
}

int
setup_lend(const char *path, uid_t uid, gid_t gid, struct err *e)
{
	struct list ours = list_for(uid);

	/* First nobody's but root's, whatever list was there. */
	if (lchown(path, 0, 0) == -1 || chmod(path, 0600) == -1)
		return err_sys(e, "%s", path);
	if (lsetxattr(path, LIST, &ours, sizeof(ours), 0) == 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return err_sys(e, "%s: its access control list", path);
	return chmod(path, 0400) == -1 || lchown(path, uid, gid) == -1 ?
	    err_sys(e, "%s", path) : 0;
}
