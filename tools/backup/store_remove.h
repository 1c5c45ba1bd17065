/* SPDX-License-Identifier: ISC */
/*
 * store_remove: a snapshot is renamed to .trash-SNAPSHOT first, so that no
 * reader ever finds half of one, and is then deleted: a btrfs subvolume by
 * one call, where we may make that, anything else file by file. What a killed
 * removal left goes with the next sweep. Who calls these holds the client's
 * lock. They take as long as the deletion does (a second for 100 000 files).
 */
#ifndef POSTERN_STORE_REMOVE_H
#define POSTERN_STORE_REMOVE_H

#include "base/err.h"
#include "store.h"

/*
 * store_remove(): 0, or -1: ERR_REFUSED (pinned, no such snapshot), ERR_BUSY
 * (held), ERR_CONFIG (no name of a snapshot of c's); then it is as it was. Or
 * ERR_SYS, ERR_UNSAFE, ERR_MEM: a part of it is left in .trash-SNAPSHOT.
 */
int store_remove(const struct store_client *c, const char *snapshot,
	struct err *e);

/* store_remove_incoming(): the same for .incoming: a broken run won't be
 * resumed. 0 also when there is none. */
int store_remove_incoming(const struct store_client *c, struct err *e);

/*
 * store_remove_sweep(): finish the removals that were killed, and remove
 * records, holds and pins of snapshots that are gone. Goes on after a
 * failure. 0, or -1 with the first failure.
 */
int store_remove_sweep(const struct store_client *c, struct err *e);

#endif
