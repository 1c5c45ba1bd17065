/* SPDX-License-Identifier: ISC */
/* program: where `postern` is, for a command that sshd is to run. */
#ifndef BACKUP_PROGRAM_H
#define BACKUP_PROGRAM_H

#include "base/buf.h"
#include "base/err.h"

/* program_find(): the absolute path of postern, as a shell word, appended to
 * out: that of the build tree which this program was started from, else the
 * installed one. 0, or -1: ERR_SYS (it is not there), ERR_MEM. */
int program_find(struct buf *out, struct err *e);

#endif
