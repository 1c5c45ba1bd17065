/* SPDX-License-Identifier: ISC */
/*
 * asklist: how the list of asker.h is filled, by each of those that look for
 * askers of their kinds. One that can't be looked at is none. Libc only.
 */
#ifndef BOOT_ASKLIST_H
#define BOOT_ASKLIST_H

#include "asker.h"
#include "base/buf.h"

/* asklist_add(): takes *a, whether it is kept or not: one that can't have an id
 * of its own isn't. What its disk says of itself is filled in. 0, or -1
 * ERR_MEM. */
int asklist_add(struct askers *all, struct asker *a, struct err *e);

/* asklist_read(): path into *b, emptied before, as slurp_read(); false: it
 * isn't there, or not for us. */
bool asklist_read(struct buf *b, const char *path);
/* asklist_start(): when pid started; false: it has ended. */
bool asklist_start(pid_t pid, uint64_t *ret);
/* asklist_root(): only root opens disks: another user's process could say
 * anything. */
bool asklist_root(pid_t pid);
/* asklist_copy(): s, cut to cap. */
void asklist_copy(char *to, size_t cap, const char *s);

#endif
