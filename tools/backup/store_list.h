/* SPDX-License-Identifier: ISC */
/*
 * store_list: the snapshots of a client, newest first. What else lies in its
 * folder is passed over, and named so that it can be reported once.
 */
#ifndef POSTERN_STORE_LIST_H
#define POSTERN_STORE_LIST_H

#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "store.h"

#define STORE_LIST_MAX	100000	/* snapshots of one client */

#define STORE_SNAP_MAX	(SNAPNAME_MAX + 1)	/* with the NUL */

struct store_snap {
	char name[STORE_SNAP_MAX];
	int64_t time_s;		/* as the name has it */
};

struct store_list {
	struct store_snap *snaps;	/* owned; newest first */
	size_t n;
	/* Names that are neither a snapshot of this client nor ours
	 * (.incoming, .trash-…); at most 16, stray_n counts all. */
	struct strv stray;
	size_t stray_n;
};

/*
 * store_list_read(): 0 with *ret filled (for store_list_clear()), or -1
 * ERR_SYS, ERR_MEM. A name that is right but isn't a folder is stray.
 */
int store_list_read(const struct store_client *c, struct store_list *ret,
	struct err *e);
void store_list_clear(struct store_list *l);

/*
 * store_list_basis(): the snapshot that the next one is built upon: the
 * newest that is not of the future; when the clock was set back behind all
 * of them, the newest. NULL when there is none. Pure; borrowed from l.
 */
const struct store_snap *store_list_basis(const struct store_list *l,
	int64_t now);

/* store_list_find(): the snapshot called name, NULL when l has none. */
const struct store_snap *store_list_find(const struct store_list *l,
	const char *name);

#endif
