/* SPDX-License-Identifier: ISC */
/*
 * askq: of askers, those whose question is a file of systemd's.
 * Libc only. Source: asker.h.
 */
#ifndef BOOT_ASKQ_H
#define BOOT_ASKQ_H

#include "asker.h"
#include "base/err.h"

/* askq_find(): added to *all. 0, or -1: ERR_MEM, ERR_SYS. */
int askq_find(struct askers *all, struct err *e);

#endif
