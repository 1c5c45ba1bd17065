/* SPDX-License-Identifier: ISC */
#include "verify_dates.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define WAIT_MS	10000		/* as catalog_open() sets it */

int
verify_dates_init(struct verify_dates *d, struct catalog *cat, struct err *e)
{
	d->cat = cat;
	if (catalog_exec(cat, "CREATE TEMP TABLE IF NOT EXISTS date("
	    "dir INTEGER, name TEXT, first INTEGER, at INTEGER, hash BLOB);"
	    "DELETE FROM temp.date;", e) == -1 ||
	    catalog_prepare(cat, "INSERT INTO temp.date VALUES(?1,?2,?3,?4,"
	    "?5)", &d->put, e) == -1)
		return -1;
	return catalog_exec(cat, "BEGIN", e);
}

void
verify_dates_clear(struct verify_dates *d)
{
	struct err ignored;

	if (d->cat == NULL)
		return;
	sqlite3_finalize(d->put);
	if (!sqlite3_get_autocommit(d->cat->db))
		catalog_exec(d->cat, "ROLLBACK", &ignored);
	(void)catalog_exec(d->cat, "DROP TABLE IF EXISTS temp.date",
	    &ignored);
	*d = (struct verify_dates){ .cat = NULL };
}

int
verify_dates_put(struct verify_dates *d, const struct catalog_row *row,
    int64_t when, struct err *e)
{
	sqlite3_stmt *st = d->put;

	sqlite3_bind_int64(st, 1, row->dir);
	sqlite3_bind_text(st, 2, row->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, row->first);
	sqlite3_bind_int64(st, 4, when);
	if (row->m.has_hash)
		sqlite3_bind_blob(st, 5, row->m.hash, sizeof(row->m.hash),
		    SQLITE_STATIC);
	else
		sqlite3_bind_null(st, 5);
	d->n++;
	return catalog_run(d->cat, st, e);
}

/* A row that became another one since it was read keeps its own date. */
static int
write_all(struct verify_dates *d, struct err *e)
{
	struct err ignored;

	if (catalog_exec(d->cat, "BEGIN IMMEDIATE", e) == -1)
		return -1;
	if (catalog_exec(d->cat, "UPDATE entry SET verified=n.at FROM"
	    " temp.date n WHERE entry.dir=n.dir AND entry.name=n.name AND"
	    " entry.first=n.first AND entry.hash IS n.hash;"
	    "DELETE FROM temp.date;", e) == -1 ||
	    catalog_exec(d->cat, "COMMIT", e) == -1) {
		if (!sqlite3_get_autocommit(d->cat->db))
			catalog_exec(d->cat, "ROLLBACK", &ignored);
		return -1;
	}
	d->n = 0;
	return 0;
}

int
verify_dates_keep(struct verify_dates *d, bool last, struct err *e)
{
	struct err why = ERR_INIT;
	int rc = 0;

	if (d->cat == NULL)
		return 0;
	if (!sqlite3_get_autocommit(d->cat->db) &&
	    catalog_exec(d->cat, "COMMIT", e) == -1)
		return -1;
	if (d->n > 0) {
		sqlite3_busy_timeout(d->cat->db, last ? WAIT_MS : 0);
		rc = write_all(d, &why);
		sqlite3_busy_timeout(d->cat->db, WAIT_MS);
	}
	if (rc == -1 && (last || why.code != ERR_BUSY)) {
		if (e != NULL)
			*e = why;
		return -1;
	}
	return last ? 0 : catalog_exec(d->cat, "BEGIN", e);
}

/* The one number of a query. */
static int
number(struct catalog *c, sqlite3_stmt *st, uint64_t *ret, struct err *e)
{
	if (catalog_step(c, st, e) != 1)
		return -1;
	*ret = (uint64_t)sqlite3_column_int64(st, 0);
	return 0;
}

int
verify_dates_due(struct catalog *c, const struct catalog_snap *s,
    int64_t since, uint64_t *ret, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = -1;

	if (catalog_prepare(c, "SELECT ifnull(sum(e.size),0) FROM entry e"
	    " WHERE " CATALOG_LIVE("e", "?2", "?1") " AND e.verified<?3", &st,
	    e) == -1)
		goto out;
	sqlite3_bind_int64(st, 1, s->id);
	sqlite3_bind_int64(st, 2, catalog_series(s->id));
	sqlite3_bind_int64(st, 3, since);
	rc = number(c, st, ret, e);
out:
	sqlite3_finalize(st);
	return rc;
}

unsigned
verify_draw(const unsigned char seed[VERIFY_SEED],
    const struct catalog_row *row)
{
	unsigned char in[sizeof(row->name) + 2 * sizeof(int64_t)];
	unsigned char out[crypto_shorthash_BYTES];
	size_t len = strlen(row->name);
	uint64_t n;

	static_assert(VERIFY_SEED == crypto_shorthash_KEYBYTES,
	    "the seed is a key of crypto_shorthash()");
	memcpy(in, &row->dir, sizeof(row->dir));
	memcpy(in + 8, &row->first, sizeof(row->first));
	memcpy(in + 16, row->name, len);
	crypto_shorthash(out, in, 16 + len, seed);
	memcpy(&n, out, sizeof(n));
	return (unsigned)(n % 10000);
}

int
verify_oldest(struct catalog *c, const char *snapshot, int64_t *ret,
    struct err *e)
{
	const struct catalog_snap *s = catalog_snap(c, snapshot);
	sqlite3_stmt *st = NULL;
	int rc = -1;

	if (s == NULL)
		return err_set(e, ERR_CONFIG, "%s: no snapshot of this name "
		    "in the catalogue", snapshot);
	if (catalog_prepare(c, "SELECT ifnull(min(e.verified),0) FROM entry e"
	    " WHERE " CATALOG_LIVE("e", "?2", "?1") " AND e.hash IS NOT NULL",
	    &st, e) == -1)
		goto out;
	sqlite3_bind_int64(st, 1, s->id);
	sqlite3_bind_int64(st, 2, catalog_series(s->id));
	if (catalog_step(c, st, e) != 1)
		goto out;
	*ret = sqlite3_column_int64(st, 0);
	rc = 0;
out:
	sqlite3_finalize(st);
	return rc;
}

int
verify_wrong(struct catalog *c, uint64_t *ret, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = -1;

	if (catalog_prepare(c, "SELECT count(*) FROM entry WHERE verified=0"
	    " AND hash IS NOT NULL", &st, e) == 0)
		rc = number(c, st, ret, e);
	sqlite3_finalize(st);
	return rc;
}

int
verify_newest(struct catalog *c, int64_t limit, int64_t *ret, struct err *e)
{
	sqlite3_stmt *st = NULL;
	uint64_t n = 0;
	int rc = -1;

	if (catalog_prepare(c, "SELECT ifnull(max(verified),0) FROM entry"
	    " WHERE verified<=?1", &st, e) == 0) {
		sqlite3_bind_int64(st, 1, limit);
		rc = number(c, st, &n, e);
	}
	sqlite3_finalize(st);
	if (rc == 0)
		*ret = (int64_t)n;
	return rc;
}
