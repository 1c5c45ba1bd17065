/* SPDX-License-Identifier: ISC */
#include "fskind.h"

#include <linux/magic.h>
#include <stddef.h>
#include <sys/vfs.h>

/* Not in every linux/magic.h. */
#define ZFS_MAGIC	0x2fc12fc1
#define BCACHEFS_MAGIC	0xca451a4e

bool
fskind_good(int fd)
{
	static const unsigned long known[] = { EXT4_SUPER_MAGIC,
		XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC, RAMFS_MAGIC,
		F2FS_SUPER_MAGIC, ZFS_MAGIC, BCACHEFS_MAGIC };
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs) == -1)
		return false;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if ((unsigned long)fs.f_type == known[i])
			return true;
	return false;
}
