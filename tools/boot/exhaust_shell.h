/* SPDX-License-Identifier: ISC */
/*
 * exhaust_shell: the emergency shell on the console, in which dracut and
 * initramfs-tools end once a disk's tries were used up. Once that is
 * open somebody would have to leave the shell for the boot to go on. Libc only.
 * Source: dracut's dracut-lib.sh (_emergency_shell), dracut-emergency.service,
 * emergency.service; initramfs-tools' scripts/functions (panic).
 */
#ifndef BOOT_EXHAUST_SHELL_H
#define BOOT_EXHAUST_SHELL_H

#include <stdbool.h>

/* exhaust_shell_end(): has it end, as if its terminal were gone; not while a
 * disk is left that is asked for, or was. Whether there was one. */
bool exhaust_shell_end(void);

/* exhaust_shell_panic(): whether there is that of initramfs-tools, begun since a
 * disk isn't there. */
bool exhaust_shell_panic(void);

#endif
