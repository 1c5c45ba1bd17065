/* SPDX-License-Identifier: ISC */
/*
 * lend: the one access control list that postern makes: a file or folder stays
 * its owner's, and one more uid may do a part of it. Its group and all others
 * may do nothing. So a thing of root's is lent: that uid uses it, and can
 * neither change it nor lend it on, since that is the owner's alone.
 *
 *	user::OWNER  user:UID:LENT  group::---  mask::LENT  other::---
 *
 * The list is an extended attribute, which the caller sets and gets, by path or
 * by descriptor, with links followed or not:
 *
 *	struct lend l = lend_make(uid, ACL_READ | ACL_WRITE, ACL_READ);
 *	fsetxattr(fd, LEND_XATTR, &l, sizeof(l), 0)
 *
 *	n = fgetxattr(fd, LEND_XATTR, &has, sizeof(has));
 *	if (lend_whose(&has, n, ACL_READ | ACL_WRITE, ACL_READ, &uid)) …
 *
 * Limits: whoever chmod()s it afterwards sets the mask by the group's bits, and
 * so takes away what is lent, or lets nobody do more than is lent; what others
 * may do is theirs of the mode, as anywhere. The list is no longer ours then.
 * Where the file system has no such lists setxattr() fails with EOPNOTSUPP. uid
 * is as this user namespace has it. Pure.
 * Source: acl(5); xattr(7); linux/posix_acl_xattr.h, whose numbers are
 * little-endian on every machine.
 */
#ifndef POSTERN_LEND_H
#define POSTERN_LEND_H

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdbool.h>
#include <sys/types.h>

#define LEND_XATTR	"system.posix_acl_access"
#define LEND_ENTRIES	5

struct lend {
	struct posix_acl_xattr_header head;
	struct posix_acl_xattr_entry v[LEND_ENTRIES];
};

/*
 * lend_make(): the list.
 * uid    who gets it; not the owner, who has the owner's rights anyway.
 * owner  the owner's rights: ACL_READ, ACL_WRITE, ACL_EXECUTE.
 * lent   uid's, of these.
 */
struct lend lend_make(uid_t uid, unsigned owner, unsigned lent);

/*
 * lend_whose(): whether len bytes of has, as getxattr() gave them, are
 * lend_make()'s with these rights, for whomever: *ret_uid, which else is
 * untouched. len: -1 is no list.
 */
bool lend_whose(const struct lend *has, ssize_t len, unsigned owner,
	unsigned lent, uid_t *ret_uid);

#endif
