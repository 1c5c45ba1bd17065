/* SPDX-License-Identifier: ISC */
/* store_basis: what a new snapshot (store_build.h) is built upon. */
#ifndef BACKUP_STORE_BASIS_H
#define BACKUP_STORE_BASIS_H

#include <stdbool.h>

#include "store.h"
#include "store_list.h"

/* store_basis(): the newest of the same job, if there is one: that is where the
 * same files are. In l; NULL: nothing. */
const struct store_snap *store_basis(const struct store_client *c,
	const struct store_list *l);

/* store_basis_ours(): whether who receives now owns what is in it: nobody else
 * may link its files, or change those of a copy. */
bool store_basis_ours(const struct store_client *c,
	const struct store_snap *basis);

/* store_basis_wide(): whether it, which may be NULL, and with it an .incoming,
 * may have what lies below the sender's mount points: rsync would take nothing
 * of that away. */
bool store_basis_wide(const struct store_client *c,
	const struct store_snap *basis);

#endif
