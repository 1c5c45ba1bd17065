/* SPDX-License-Identifier: ISC */
/* fskind: what kind of file system something lies on. */
#ifndef BACKUP_FSKIND_H
#define BACKUP_FSKIND_H

#include <stdbool.h>

/* fskind_good(): whether that of fd (O_PATH will do) keeps its inode numbers,
 * on the disk or as long as it is mounted, and has each ctime from this kernel:
 * one of those that are known to. Source: statfs(2). */
bool fskind_good(int fd);

#endif
