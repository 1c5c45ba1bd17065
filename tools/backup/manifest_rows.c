/* SPDX-License-Identifier: ISC */
#include "manifest_rows.h"

#include <string.h>

int
manifest_rows_init(struct manifest_rows *r, struct err *e)
{
	if (catalog_prepare(r->cat, "INSERT INTO entry VALUES(?1,?2,?3,?4,?5,"
	    "?6,?7,?8,?9,?10,?11,?12,?13,?14)", &r->insert, e) == -1 ||
	    catalog_prepare(r->cat, "UPDATE entry SET last=?4 WHERE dir=?1"
	    " AND name=?2 AND first=?3", &r->set_last, e) == -1 ||
	    catalog_prepare(r->cat, "UPDATE entry SET first=?4 WHERE dir=?1"
	    " AND name=?2 AND first=?3", &r->set_first, e) == -1)
		return -1;
	return 0;
}

void
manifest_rows_clear(struct manifest_rows *r)
{
	sqlite3_finalize(r->insert);
	sqlite3_finalize(r->set_last);
	sqlite3_finalize(r->set_first);
}

int
manifest_rows_unread(struct manifest_rows *r, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int more;

	if (catalog_prepare(r->cat, "SELECT 1 FROM entry e WHERE "
	    CATALOG_LIVE("e", "?1", "?2") " AND e.hash IS NULL AND "
	    "(e.mode & 61440) IN (32768, 40960) LIMIT 1", &st, e) == -1)
		return -1;
	sqlite3_bind_int64(st, 1, catalog_series(r->prev));
	sqlite3_bind_int64(st, 2, r->prev);
	more = catalog_step(r->cat, st, e);
	sqlite3_finalize(st);
	return more;
}

static int
set(struct manifest_rows *r, sqlite3_stmt *st, const struct catalog_row *row,
    int64_t to, struct err *e)
{
	sqlite3_bind_int64(st, 1, row->dir);
	sqlite3_bind_text(st, 2, row->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, row->first);
	sqlite3_bind_int64(st, 4, to);
	return catalog_run(r->cat, st, e);
}

static int
insert(struct manifest_rows *r, const struct catalog_row *row, struct err *e)
{
	catalog_row_put(r->insert, row);
	return catalog_run(r->cat, r->insert, e);
}

/*
 * Makes the rows around it end before this snapshot and begin after it, as
 * far as they cover it; a row that lives on both sides becomes two. Their
 * ends may name snapshots that are gone: what counts is the id.
 */
static int
push_apart(struct manifest_rows *r, const struct catalog_row *prev,
    const struct catalog_row *next, struct err *e)
{
	struct catalog_row after;

	if (prev != NULL && prev->last >= r->id &&
	    set(r, r->set_last, prev, r->prev, e) == -1)
		return -1;
	if (next == NULL || next->first > r->id)
		return 0;
	if (next != prev)
		return set(r, r->set_first, next, r->next, e);
	after = *prev;
	after.first = r->next;
	r->added++;
	return insert(r, &after, e);
}

int
manifest_rows_set(struct manifest_rows *r, int64_t dir, const char *name,
    const struct catalog_meta *m, const struct catalog_row *prev,
    const struct catalog_row *next, struct err *e)
{
	struct catalog_row row = { .dir = dir, .first = r->id,
		.last = r->next != 0 ? r->id : CATALOG_OPEN,
		.verified = r->now };

	if (m == NULL)
		return push_apart(r, prev, next, e);
	if (prev != NULL && catalog_changed(&prev->m, m) == 0) {
		if (prev->last < r->id &&
		    set(r, r->set_last, prev, r->id, e) == -1)
			return -1;
		/* The other one may still reach too far back. */
		return next != prev ? push_apart(r, NULL, next, e) : 0;
	}
	if (next != NULL && next != prev &&
	    catalog_changed(&next->m, m) == 0) {
		if (push_apart(r, prev, NULL, e) == -1)
			return -1;
		return next->first > r->id ?
		    set(r, r->set_first, next, r->id, e) : 0;
	}
	if (push_apart(r, prev, next, e) == -1)
		return -1;
	row.m = *m;
	memcpy(row.name, name, strlen(name) + 1);
	r->added++;
	return insert(r, &row, e);
}
