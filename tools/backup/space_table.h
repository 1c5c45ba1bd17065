/* SPDX-License-Identifier: ISC */
/*
 * space_table: what store_space.h decides on, read from the store. No lock is
 * taken and no folder stays open: who removes something of another client's
 * has to look again, with that client's lock.
 *
 *	space_table_own() → (space_table_others()) → space_table_clear()
 */
#ifndef POSTERN_SPACE_TABLE_H
#define POSTERN_SPACE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "store.h"
#include "store_list.h"
#include "store_rec.h"
#include "store_space.h"

/* One client's part of the table. */
struct space_part {
	char name[STORE_NAME_MAX];
	struct store_list list;		/* newest first */
	struct store_space_snap *snaps;	/* owned; oldest first */
	char (*series)[STORE_REC_WORD];	/* owned; likewise */
};

struct space_table {
	const struct store_client *own;	/* borrowed */
	struct space_part *parts;	/* owned; n of them, the own one first */
	struct store_space_client *clients;	/* owned; likewise */
	size_t n;
};

/* space_table_own(): the table of own alone, whose lock the caller holds. 0
 * with *t filled, or -1: ERR_SYS, ERR_MEM. */
int space_table_own(struct space_table *t, const struct store_client *own,
	size_t min_keep, struct err *e);

/*
 * space_table_others(): the others', all of them (across) or those that have
 * left what may go, and what that takes of all of them. One that can't be read
 * is passed over: it has nothing that could go.
 * min_keep   how many snapshots of each job the client called name keeps.
 * 0, or -1: ERR_SYS (the store's folder), ERR_MEM.
 */
int space_table_others(struct space_table *t, bool across,
	size_t (*min_keep)(void *arg, const char *name), void *arg,
	struct err *e);

/* space_table_clear(): legal on a zeroed table. */
void space_table_clear(struct space_table *t);

/* space_table_left(): whether c has an .incoming that may go: the own one (it
 * is locked), or one that nobody has touched for STORE_EVICT_LEFT_S. */
bool space_table_left(const struct store_client *c, bool own);

#endif
