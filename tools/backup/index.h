/* SPDX-License-Identifier: ISC */
/*
 * index: the catalogue of one client of the store, kept in step with its
 * snapshots: STORE/.postern/NAME/catalog.db. One that is damaged is removed
 * and made again from the trees, which are what counts.
 */
#ifndef BACKUP_INDEX_H
#define BACKUP_INDEX_H

#include "catalog.h"
#include "manifest.h"
#include "store.h"

/* index_open(): c's catalogue; write: the caller holds c's lock. As
 * catalog_open(), but a damaged one is discarded and begun anew when write.
 * *ret is to be closed in any case. */
int index_open(const struct store_client *c, bool write, struct catalog *ret,
	struct err *e);

/* index_sync(): forget snapshots that are gone, then make the manifests that
 * are missing, the oldest first. progress, arg: as manifest_opts; may be
 * NULL. ret: of the newest one that was made. 0, or -1 as manifest_make(). */
int index_sync(const struct store_client *c, struct catalog *cat,
	int (*progress)(void *arg, const struct manifest_stats *sofar,
	struct err *e), void *arg, struct manifest_stats *ret,
	struct err *e);

#endif
