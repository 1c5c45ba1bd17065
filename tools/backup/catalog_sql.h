/* SPDX-License-Identifier: ISC */
/*
 * catalog_sql: what the catalogue's own files share: SQLite's results as
 * struct err, rows, and which snapshots stand before and behind another.
 */
#ifndef POSTERN_CATALOG_SQL_H
#define POSTERN_CATALOG_SQL_H

#include <sqlite3.h>

#include "catalog.h"

/* The columns of entry e in the order that catalog_row_get() wants. */
#define CATALOG_COLS "e.dir,e.name,e.first,e.last,e.mode,e.uid,e.gid,"	\
	"e.size,e.mtime,e.rdev,e.link,e.verified,e.hash,e.xattr"
#define CATALOG_NCOLS	14

/* "entry e is live in snapshot ?N", both as text. Starts of series keep the
 * rows of others out. */
#define CATALOG_LIVE(e, lo, n)						\
	"(" e ".first BETWEEN " lo " AND " n " AND ("			\
	e ".last IS NULL OR " e ".last>=" n "))"

/* catalog_fail(): what went wrong last, while doing what. Returns -1. */
int catalog_fail(struct catalog *c, const char *what, struct err *e);

int catalog_exec(struct catalog *c, const char *sql, struct err *e);
int catalog_prepare(struct catalog *c, const char *sql, sqlite3_stmt **ret,
	struct err *e);

/* catalog_step(): 1 a row, 0 the end, -1 an error. */
int catalog_step(struct catalog *c, sqlite3_stmt *st, struct err *e);

/* catalog_run(): a statement that gives no row; it is reset. */
int catalog_run(struct catalog *c, sqlite3_stmt *st, struct err *e);

/* catalog_row_get(): CATALOG_COLS from column col on. */
int catalog_row_get(struct catalog *c, sqlite3_stmt *st, int col,
	struct catalog_row *row, struct err *e);

/* catalog_row_put(): binds all of row, to ?1 to ?14. */
void catalog_row_put(sqlite3_stmt *st, const struct catalog_row *row);

/* catalog_bind_range(): the strings that begin with the len bytes of s, which
 * stays, as ?i (at least) and ?i+1 (below). 0, or -1 ERR_MEM. */
int catalog_bind_range(sqlite3_stmt *st, int i, const char *s, size_t len,
	struct err *e);

/* catalog_series(): the first id that a snapshot of id's series can have. */
int64_t catalog_series(int64_t id);

/* catalog_id(): the id for a snapshot's name; a new series gets a row. */
int catalog_id(struct catalog *c, const char *name, int64_t *ret,
	struct err *e);

/* catalog_around(): the snapshots before and behind id in its series; 0 for
 * none. */
void catalog_around(const struct catalog *c, int64_t id, int64_t *ret_prev,
	int64_t *ret_next);

/* catalog_add(): a snapshot's own row, within a transaction; name: its name,
 * instead of s->name. 0, or -1. */
int catalog_add(struct catalog *c, const struct catalog_snap *s,
	const char *name, struct err *e);

/* catalog_reload(): c->snaps anew; as it was on failure. */
int catalog_reload(struct catalog *c, struct err *e);

/* catalog_commit(): ends a transaction that added or removed a snapshot, if
 * rc is 0, or takes it back; c->snaps says the same. Returns 0 when it was
 * committed, else -1, and *e as it was where rc is -1. */
int catalog_commit(struct catalog *c, int rc, struct err *e);

#endif
