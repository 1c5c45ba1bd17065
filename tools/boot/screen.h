/* SPDX-License-Identifier: ISC */
/* screen: what stands on the screen of this machine's console. */
#ifndef BOOT_SCREEN_H
#define BOOT_SCREEN_H

#include "base/err.h"
#include "vcsa.h"

/* screen_read(): each line of it, as vcsa_parse(). 0, or -1: ERR_SYS (a serial
 * console has no screen), ERR_PEER, ERR_MEM. */
int screen_read(vcsa_fn *fn, void *arg, struct err *e);

#endif
