/* SPDX-License-Identifier: ISC */
/*
 * manifest_rows: how a state of a path goes into the catalogue, between
 * those of the snapshots before and behind.
 */
#ifndef POSTERN_MANIFEST_ROWS_H
#define POSTERN_MANIFEST_ROWS_H

#include "catalog_sql.h"

struct manifest_rows {
	struct catalog *cat;
	int64_t id, prev, next;	/* the snapshot's, and around it; 0: none */
	int64_t now;
	uint64_t added;
	sqlite3_stmt *insert, *set_last, *set_first;
};

int manifest_rows_init(struct manifest_rows *r, struct err *e);
void manifest_rows_clear(struct manifest_rows *r);

/* manifest_rows_unread(): whether the snapshot before has a file or link whose
 * content could not be read: 1, 0; -1 as catalog_step(). */
int manifest_rows_unread(struct manifest_rows *r, struct err *e);

/*
 * manifest_rows_set(): name in dir is m in this snapshot, or is not there
 * (NULL); prev and next are its rows in those around it (NULL: none; one and
 * the same when it lives in both).
 */
int manifest_rows_set(struct manifest_rows *r, int64_t dir, const char *name,
	const struct catalog_meta *m, const struct catalog_row *prev,
	const struct catalog_row *next, struct err *e);

#endif
