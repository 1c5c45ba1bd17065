/* SPDX-License-Identifier: ISC */
/*
 * late: the words for files that came too late for the kernel's grants
 * (unread.h): the same in each mode.
 */
#ifndef BACKUP_LATE_H
#define BACKUP_LATE_H

#include "unread.h"

/* late_name(): into said (cap bytes): their names, as many as there is room
 * for, escaped; each of them to the log with -v. */
void late_name(const struct unread *u, char *said, size_t cap);

#endif
