/* SPDX-License-Identifier: ISC */
/*
 * store_lend: a client's folder, where a uid of its own receives for it
 * (store_client.recv_uid) and root is the owner of the store.
 *
 * STORE/NAME stays ours. An entry of its access control list, user:UID:--x,
 * lets the receiver through and nobody else, so that no other receiver comes
 * to what lies below, whatever modes that has. .incoming is given to the
 * receiver. With btrfs a snapshot's top folder is taken back before it is made
 * read-only: then its receiver can neither make it writable nor remove it.
 * With hard links the next .incoming shares the files of a snapshot, and who
 * may link them can write to them: they stay the receiver's, and its jail is
 * what keeps rsync off them.
 *
 * The list is what remembers whose .incoming is: one that another uid left is
 * removed.
 *
 * Source: acl(5), linux/posix_acl_xattr.h; proc_sys_fs(5), protected_hardlinks.
 */
#ifndef POSTERN_STORE_LEND_H
#define POSTERN_STORE_LEND_H

#include "base/err.h"
#include "store.h"

/* store_lend_to(): the uid that c's folder is lent to, 0: none. 0, or -1
 * ERR_UNSAFE: it has a list that is none of ours. */
int store_lend_to(const struct store_client *c, uid_t *ret, struct err *e);

/* store_lend(): to c->recv_uid, or to nobody. The caller holds c's lock. 0, or
 * -1: ERR_SYS (EOPNOTSUPP: the file system has no such lists), as
 * store_lend_to() and store_remove_incoming(). */
int store_lend(const struct store_client *c, struct err *e);

/* store_lend_incoming(), store_lend_back(): .incoming, which is fd, to the
 * receiver, if there is one, or to us. 0, or -1 ERR_SYS. */
int store_lend_incoming(const struct store_client *c, int fd, struct err *e);
int store_lend_back(const struct store_client *c, int fd, struct err *e);

#endif
