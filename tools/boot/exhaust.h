/* SPDX-License-Identifier: ISC */
/*
 * exhaust: of askers, the disks that nobody asks for any more, because the
 * tries at the console were used up. dracut without systemd marks each disk
 * that it has asked for, right or wrong, and asks for it once; the boot waits
 * on for who opens it. Libc only.
 * Source: dracut's cryptroot-ask.sh; rdluks.h for what disk a mark means.
 */
#ifndef BOOT_EXHAUST_H
#define BOOT_EXHAUST_H

#include "asker.h"
#include "base/err.h"

/* exhaust_find(): added to *all, behind those that wait. 0, or -1 ERR_MEM. */
int exhaust_find(struct askers *all, struct err *e);

#endif
