/* SPDX-License-Identifier: ISC */
/*
 * askproc: of askers, those that are processes on a terminal, or read a FIFO.
 * Libc only. Source: asker.h.
 */
#ifndef BOOT_ASKPROC_H
#define BOOT_ASKPROC_H

#include "asker.h"
#include "base/err.h"

/* askproc_find(): added to *all. 0, or -1: ERR_MEM, ERR_SYS. */
int askproc_find(struct askers *all, struct err *e);

/* askproc_attaches(): whether systemd's cryptsetup is at the disk of that name
 * by now; NULL: it, or cryptsetup itself, at any. */
bool askproc_attaches(const char *name);

#endif
