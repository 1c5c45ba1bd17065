/* SPDX-License-Identifier: ISC */
#include "links.h"

#include <string.h>

#include "hash.h"

int
links_init(struct links *l, struct err *e)
{
	if (catalog_exec(l->cat, "CREATE TEMP TABLE IF NOT EXISTS link("
	    "dev INTEGER, ino INTEGER, hash BLOB, PRIMARY KEY(dev, ino))"
	    " WITHOUT ROWID; DELETE FROM temp.link;", e) == -1 ||
	    catalog_prepare(l->cat, "SELECT hash FROM temp.link WHERE dev=?1"
	    " AND ino=?2", &l->get, e) == -1 ||
	    catalog_prepare(l->cat, "REPLACE INTO temp.link VALUES(?1,?2,?3)",
	    &l->put, e) == -1)
		return -1;
	return 0;
}

void
links_clear(struct links *l)
{
	struct err ignored;

	sqlite3_finalize(l->get);
	sqlite3_finalize(l->put);
	if (l->cat != NULL)
		(void)catalog_exec(l->cat, "DROP TABLE IF EXISTS temp.link",
		    &ignored);
	*l = (struct links){ 0 };
}

int
links_get(struct links *l, uint64_t dev, uint64_t ino, struct catalog_meta *m,
    struct err *e)
{
	sqlite3_stmt *st = l->get;
	int more;

	sqlite3_bind_int64(st, 1, (int64_t)dev);
	sqlite3_bind_int64(st, 2, (int64_t)ino);
	more = catalog_step(l->cat, st, e);
	if (more == 1 && sqlite3_column_bytes(st, 0) == HASH_BYTES) {
		memcpy(m->hash, sqlite3_column_blob(st, 0), HASH_BYTES);
		m->has_hash = true;
	}
	sqlite3_reset(st);
	return more;
}

int
links_put(struct links *l, uint64_t dev, uint64_t ino,
    const unsigned char *hash, struct err *e)
{
	sqlite3_stmt *st = l->put;

	sqlite3_bind_int64(st, 1, (int64_t)dev);
	sqlite3_bind_int64(st, 2, (int64_t)ino);
	if (hash != NULL)
		sqlite3_bind_blob(st, 3, hash, HASH_BYTES, SQLITE_STATIC);
	else
		sqlite3_bind_null(st, 3);
	return catalog_run(l->cat, st, e);
}
