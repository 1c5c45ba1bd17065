/* SPDX-License-Identifier: ISC */
/*
 * slurp: the beginning of a file of /proc, /sys or a device, whose size nobody
 * knows before and which may have NULs in it (file_read() is for others).
 */
#ifndef BOOT_SLURP_H
#define BOOT_SLURP_H

#include "base/buf.h"
#include "base/err.h"

/* slurp_read(): of path, as many bytes as out (initialised by the caller) may
 * hold; appended. 0, or -1: ERR_SYS, ERR_MEM. */
int slurp_read(const char *path, struct buf *out, struct err *e);

/* slurp_own(): the same, of a regular file of root's that is no link.
 * ERR_UNSAFE otherwise. */
int slurp_own(const char *path, struct buf *out, struct err *e);

#endif
