/* SPDX-License-Identifier: ISC */
/*
 * cmd: a program run to its end, with nothing to read, its output kept up to
 * a bound. For ssh-keygen and the first contact of setup.
 */
#ifndef BACKUP_CMD_H
#define BACKUP_CMD_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define CMD_OUT_MAX 65536

/*
 * cmd_run(): argv[0] searched in PATH. *out gets both outputs, line by line;
 * what is beyond its cap is dropped. timeout_ms 0: none. 0 with *ret_status
 * as waitpid(2) gave it, or -1: as child_start(), ERR_TIMEOUT.
 */
int cmd_run(char *const *argv, uint64_t timeout_ms, struct buf *out,
	int *ret_status, struct err *e);

#endif
