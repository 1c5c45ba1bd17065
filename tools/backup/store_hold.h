/* SPDX-License-Identifier: ISC */
/*
 * store_hold: snapshots that must stay. A reader or a restore holds one by a
 * shared lock (fcntl(2), F_OFD_SETLK: one that can be asked for without being
 * taken) on STORE/.postern/NAME/hold/SNAPSHOT, for as long as it has
 * the descriptor; the kernel lets go of it however that process ends. Who
 * removes a snapshot needs the same lock for itself alone. A pin is a file in
 * pins/, and stays until it is taken out.
 */
#ifndef POSTERN_STORE_HOLD_H
#define POSTERN_STORE_HOLD_H

#include <stdbool.h>

#include "base/err.h"
#include "store.h"

/*
 * store_hold_take(): hold snapshot. Needs no lock of the client's. 0 with
 * *ret_hold (close() lets go) and, when ret_dir is not NULL, *ret_dir, the
 * snapshot's folder, owned; or -1: ERR_CONFIG (no name of a snapshot of this
 * client), ERR_REFUSED (there is none, or it is being removed), ERR_UNSAFE,
 * ERR_SYS.
 */
int store_hold_take(const struct store_client *c, const char *snapshot,
	int *ret_hold, int *ret_dir, struct err *e);

/*
 * store_hold_alone(): the lock that a removal needs; close() lets go. 0, or
 * -1: ERR_BUSY (somebody reads it), ERR_CONFIG, ERR_SYS, ERR_UNSAFE.
 */
int store_hold_alone(const struct store_client *c, const char *snapshot,
	int *ret_hold, struct err *e);

/* store_hold_held(): whether somebody reads it now. */
bool store_hold_held(const struct store_client *c, const char *snapshot);

/* store_hold_pin(): pin (on) or unpin. Both are done when they are so already.
 * 0, or -1: ERR_CONFIG, ERR_REFUSED (no such snapshot), ERR_SYS. */
int store_hold_pin(const struct store_client *c, const char *snapshot, bool on,
	struct err *e);

/* store_hold_pinned(): whether it is pinned. When in doubt (the folder can't be
 * read), it is. */
bool store_hold_pinned(const struct store_client *c, const char *snapshot);

#endif
