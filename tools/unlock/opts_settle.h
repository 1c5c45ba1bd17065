/* SPDX-License-Identifier: ISC */
/*
 * opts_settle: what becomes of the options once all are known: those that
 * exclude each other, and what stands for those that were not given.
 */
#ifndef POSTERN_OPTS_SETTLE_H
#define POSTERN_OPTS_SETTLE_H

#include "unlock.h"

/* opts_settle(): o as argv and unlock.conf left it. 0, or -1: ERR_USAGE what
 * does not go together, ERR_SYS no host name, ERR_MEM. Reads the environment:
 * CSYNC2_SYSTEM_DIR. */
int opts_settle(struct unlock_opts *o, struct err *e);

#endif
