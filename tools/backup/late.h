/* SPDX-License-Identifier: ISC */
/*
 * late: the words for files that vanished, changed, or came too late for the
 * kernel's grants (unread.h): the same in each mode.
 */
#ifndef BACKUP_LATE_H
#define BACKUP_LATE_H

#include "unread.h"

/* late_name(): into said (cap bytes): their names, as many as there is room
 * for, escaped; each of them to the log with -v. None: said stays as it is. */
void late_name(const struct unread *u, char *said, size_t cap);

/* late_raw(): the same, not escaped and not logged, for one who escapes what he
 * is told. */
void late_raw(const struct unread *u, char *said, size_t cap);

#endif
