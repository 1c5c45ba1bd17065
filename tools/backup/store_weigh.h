/* SPDX-License-Identifier: ISC */
/*
 * store_weigh: what a snapshot that is being made takes on the disk, whatever
 * its sender says. By what the file system tells: the blocks of each file and
 * folder, but for files that are the same as in the snapshot that it is built
 * upon. A file with several names counts once, shared among them.
 */
#ifndef POSTERN_STORE_WEIGH_H
#define POSTERN_STORE_WEIGH_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "store.h"

/*
 * store_weigh(): .incoming of c, built upon prev ("": nothing). What vanishes
 * meanwhile is passed over, so that it may be called while rsync works.
 * stop      looked at now and then; true: give up. May be NULL.
 * ret       bytes; on giving up what was counted so far.
 * Returns 0, or -1: ERR_SYS, ERR_MEM.
 */
int store_weigh(const struct store_client *c, const char *prev,
	const atomic_bool *stop, uint64_t *ret, struct err *e);

#endif
