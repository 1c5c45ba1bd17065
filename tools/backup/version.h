/* SPDX-License-Identifier: ISC */
/* version: which rsync this machine has. */
#ifndef BACKUP_VERSION_H
#define BACKUP_VERSION_H

#include "base/err.h"

/* version_rsync(): "3.2.7", owned. 0, or -1: ERR_SYS (it isn't there),
 * ERR_PEER (it says nothing of the kind), ERR_MEM. Runs it, for 10 ms. */
int version_rsync(char **ret, struct err *e);

#endif
