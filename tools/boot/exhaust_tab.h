/* SPDX-License-Identifier: ISC */
/*
 * exhaust_tab: of askers, the disks of initramfs-tools' crypttab that are not
 * open while its boot lies in the shell that it ends in ("(initramfs)"): all
 * tries were used up. Its own script, run again, asks again, with the options
 * that crypttab has. Libc only.
 * Source: initramfs-tools' scripts/local and scripts/functions (panic),
 * cryptsetup's scripts/local-top/cryptroot; asktab.h.
 */
#ifndef BOOT_EXHAUST_TAB_H
#define BOOT_EXHAUST_TAB_H

#include "asker.h"
#include "base/err.h"

/* exhaust_tab_find(): added to *all, behind those that wait. 0, or -1
 * ERR_MEM. */
int exhaust_tab_find(struct askers *all, struct err *e);

/* exhaust_tab_begin(): runs the script, which asks for all of them, one after
 * another, and goes on without us; nothing while it runs already. 0, or -1
 * ERR_SYS. */
int exhaust_tab_begin(struct err *e);

#endif
