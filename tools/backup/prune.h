/* SPDX-License-Identifier: ISC */
/*
 * prune: a client's snapshots against its retention rules: what retain.h
 * decides, carried out. After a good backup, and when the owner says so.
 */
#ifndef BACKUP_PRUNE_H
#define BACKUP_PRUNE_H

#include "base/strv.h"
#include "history.h"
#include "retain.h"
#include "settings.h"
#include "store.h"

/* prune_rules(): what p says of retention. Pure. */
struct retain_rules prune_rules(const struct settings_policy *p);

/* prune_mark(): .why of each of h: by the rules of p, or, job not NULL, of a
 * client's job that is given up (history_retire()). 0, or -1: ERR_MEM,
 * ERR_CONFIG (c has no snapshot of such a job). */
int prune_mark(const struct store_client *c, struct history *h,
	const struct settings_policy *p, const char *job, struct err *e);

/* prune_client(): the caller holds c's lock. removed: gets the names of what
 * went (with dry: of what would), also on failure; borrowed. A snapshot that
 * somebody begins to read meanwhile stays. job: as above. 0, or -1 as
 * prune_mark(), store_remove(). */
int prune_client(const struct store_client *c,
	const struct settings_policy *p, const char *job, bool dry,
	struct strv *removed, struct err *e);

#endif
