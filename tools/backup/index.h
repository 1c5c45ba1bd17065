/* SPDX-License-Identifier: ISC */
/*
 * index: the catalogue of one client of the store, kept in step with its
 * snapshots: STORE/.postern/NAME/catalog.db. One that is damaged is removed
 * and made again from the trees, which are what counts.
 *
 * Whoever brings it in step has a lock of its own, catalog.lock, not the
 * client's: making the manifests of a large store again takes hours, and a
 * backup need not wait for them. Who finds that lock taken goes on without:
 * the other one, or the next, sees to the rest. Each snapshot is held while its manifest is
 * made. Readers take no lock at all.
 */
#ifndef BACKUP_INDEX_H
#define BACKUP_INDEX_H

#include "catalog.h"
#include "manifest.h"
#include "store.h"

/* index_open(): c's catalogue; write: for verify_run(). As catalog_open().
 * *ret is to be closed in any case. A process has one open at a time: SQLite's
 * own locks are the process's (fcntl(2)). */
int index_open(const struct store_client *c, bool write, struct catalog *ret,
	struct err *e);

struct index_opts {
	bool check;		/* look at each page of it first */
	bool anew;		/* it is known to be damaged */
	const atomic_bool *stop;	/* as manifest_opts; may be NULL */
	/* Of this snapshot it is known what is other than in since; or NULL,
	 * all three. */
	const char *newest, *since;
	const struct changes *changes;
	/* As manifest_opts, and the snapshot whose manifest is made. May be
	 * NULL. */
	int (*progress)(void *arg, const char *snapshot,
		const struct manifest_stats *sofar, struct err *e);
	void *arg;
};

struct index_state {
	bool rebuilt;		/* it was damaged, and was begun anew */
	bool busy;		/* somebody else is at it */
	size_t made;		/* manifests */
	struct manifest_stats last;	/* of the one that was made last */
};

/*
 * index_sync(): forget snapshots that are gone, then make the manifests that
 * are missing, the oldest first. When there is nothing to do that costs a
 * reading of the names. 0 with *ret filled, or -1: as manifest_make(),
 * ERR_REFUSED (*stop).
 */
int index_sync(const struct store_client *c, const struct index_opts *o,
	struct index_state *ret, struct err *e);

#endif
