/* SPDX-License-Identifier: ISC */
#include "sys/lend.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

_Static_assert(sizeof(struct lend) == 4 + LEND_ENTRIES * 8, "no padding");

/* In the order that the kernel asks for. */
struct lend
lend_make(uid_t uid, unsigned owner, unsigned lent)
{
	const struct {
		uint16_t tag;
		unsigned perm;
	} rows[LEND_ENTRIES] = {
		{ ACL_USER_OBJ, owner }, { ACL_USER, lent },
		{ ACL_GROUP_OBJ, 0 }, { ACL_MASK, lent }, { ACL_OTHER, 0 },
	};
	struct lend l = { .head.a_version = htole32(POSIX_ACL_XATTR_VERSION) };
	size_t i;

	for (i = 0; i < LEND_ENTRIES; i++) {
		l.v[i].e_tag = htole16(rows[i].tag);
		l.v[i].e_perm = htole16((uint16_t)rows[i].perm);
		l.v[i].e_id = htole32(rows[i].tag == ACL_USER ? uid :
		    (uint32_t)ACL_UNDEFINED_ID);
	}
	return l;
}

bool
lend_whose(const struct lend *has, ssize_t len, unsigned owner, unsigned lent,
    uid_t *ret_uid)
{
	struct lend ours;
	uid_t uid;

	if (len != (ssize_t)sizeof(*has))
		return false;
	uid = le32toh(has->v[1].e_id);
	ours = lend_make(uid, owner, lent);
	if (memcmp(has, &ours, sizeof(ours)) != 0)
		return false;
	*ret_uid = uid;
	return true;
}
