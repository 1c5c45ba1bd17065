/* SPDX-License-Identifier: ISC */
/*
 * prune: a client's snapshots against its retention rules: what retain.h
 * decides, carried out. After a good backup, and when the owner says so.
 */
#ifndef BACKUP_PRUNE_H
#define BACKUP_PRUNE_H

#include "base/strv.h"
#include "retain.h"
#include "settings.h"
#include "store.h"

/* prune_rules(): what p says of retention. Pure. */
struct retain_rules prune_rules(const struct settings_policy *p);

/* prune_client(): the caller holds c's lock. removed: gets the names of what
 * went (with dry: of what would), also on failure; borrowed. A snapshot that
 * somebody begins to read meanwhile stays. 0, or -1 as store_remove(). */
int prune_client(const struct store_client *c,
	const struct settings_policy *p, bool dry, struct strv *removed,
	struct err *e);

#endif
