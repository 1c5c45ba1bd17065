/* SPDX-License-Identifier: ISC */
/*
 * exhaust_unit: of askers, the disks whose systemd-cryptsetup@NAME.service has
 * failed: after three wrong passphrases, or whatever else ended it. The boot
 * waits on for the disk, until a device's time is over. Started again, the unit
 * asks again, with the options that it has. Libc only.
 * Source: systemd-cryptsetup-generator(8), systemctl(1); askunit.h.
 */
#ifndef BOOT_EXHAUST_UNIT_H
#define BOOT_EXHAUST_UNIT_H

#include "asker.h"
#include "base/err.h"

/* exhaust_unit_find(): added to *all, behind those that wait. 0, or -1
 * ERR_MEM. */
int exhaust_unit_find(struct askers *all, struct err *e);

/* exhaust_unit_restart(): has systemd start the unit of an ASKER_UNIT (its
 * file) again, and doesn't wait for it. 0, or -1: ERR_PEER it doesn't,
 * ERR_TIMEOUT, ERR_SYS. */
int exhaust_unit_restart(const char *file, struct err *e);

#endif
