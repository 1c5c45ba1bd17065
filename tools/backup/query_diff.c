/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/buf.h"
#include "catalog_sql.h"
#include "query.h"

/*
 * ?1 a, ?2 b (a < b), ?3 and ?4 the first ids of their series. Of one series:
 * rows that live in one of the two only, found by the index of their ends
 * when they are few; when they are many, reading all rows once in their order
 * takes less than to pick them. Either way a path's rows come together.
 */
#define ONLY_IN_B(e) e ".first>?1 AND " CATALOG_LIVE(e, "?4", "?2")
#define ONLY_IN_A(e) e ".last>=?1 AND " e ".last<?2 AND "		\
	CATALOG_LIVE(e, "?3", "?1")
#define IN_ORDER " ORDER BY e.dir,e.name,e.first"

static const char few_sql[] = "SELECT " CATALOG_COLS " FROM (SELECT dir,name,"
	"first FROM entry e INDEXED BY entry_first WHERE e.first<=?2 AND "
	ONLY_IN_B("e") " UNION SELECT dir,name,first FROM entry e INDEXED BY"
	" entry_last WHERE " ONLY_IN_A("e") ") k CROSS JOIN entry e ON"
	" e.dir=k.dir AND e.name=k.name AND e.first=k.first" IN_ORDER;
/* The "+" keep SQLite from taking the indices all the same. */
static const char scan_sql[] = "SELECT " CATALOG_COLS " FROM entry e WHERE ("
	ONLY_IN_B("+e") ") OR (" ONLY_IN_A("+e") ")" IN_ORDER;
static const char across_sql[] = "SELECT " CATALOG_COLS " FROM entry e WHERE "
	CATALOG_LIVE("+e", "?3", "?1") " OR " CATALOG_LIVE("+e", "?4", "?2")
	IN_ORDER;
/* Rows that began or ended between the two. */
#define FEW	"4000"
static const char count_sql[] = "SELECT (SELECT count(*) FROM (SELECT 1 FROM"
	" entry INDEXED BY entry_first WHERE first>?1 AND first<=?2 LIMIT " FEW
	"))+(SELECT count(*) FROM (SELECT 1 FROM entry INDEXED BY entry_last"
	" WHERE last>=?1 AND last<?2 LIMIT " FEW "))<" FEW;

struct diff {
	struct catalog *cat;
	const struct catalog_snap *a, *b;
	bool swapped;
	int (*cb)(void *, const struct query_change *, struct err *);
	void *arg;
	sqlite3_stmt *dir_of;
	struct buf path;
	int64_t dir;		/* whose path is in .path, dir_len bytes */
	size_t dir_len;
	struct catalog_row in_a, in_b;
	bool has_a, has_b;
};

static bool
live(const struct catalog_row *row, const struct catalog_snap *s)
{
	return row->first >= catalog_series(s->id) && row->first <= s->id &&
	    (row->last >= s->id);
}

/* The path of row into d->path. */
static int
put_path(struct diff *d, const struct catalog_row *row, struct err *e)
{
	const void *p = "";

	if (row->dir != d->dir) {
		sqlite3_bind_int64(d->dir_of, 1, row->dir);
		if (catalog_step(d->cat, d->dir_of, e) == 1)
			p = sqlite3_column_text(d->dir_of, 0);
		d->path.len = 0;
		if (p == NULL || buf_adds(&d->path, p) == -1) {
			sqlite3_reset(d->dir_of);
			return err_set(e, ERR_MEM, "out of memory");
		}
		sqlite3_reset(d->dir_of);
		d->dir = row->dir;
		d->dir_len = d->path.len;
	}
	d->path.len = d->dir_len;
	if (buf_adds(&d->path, row->name) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

/* The path at hand has had all its rows. */
static int
give(struct diff *d, struct err *e)
{
	struct query_change ch = { 0 };

	if (!d->has_a && !d->has_b)
		return 0;
	if (d->has_a && d->has_b) {
		ch.what = catalog_changed(&d->in_a.m, &d->in_b.m);
		if (ch.what == 0)
			return 0;
	}
	if (put_path(d, d->has_a ? &d->in_a : &d->in_b, e) == -1)
		return -1;
	ch.path = d->path.data;
	ch.a = d->has_a ? &d->in_a.m : NULL;
	ch.b = d->has_b ? &d->in_b.m : NULL;
	if (d->swapped) {
		const struct catalog_meta *m = ch.a;

		ch.a = ch.b;
		ch.b = m;
	}
	return d->cb(d->arg, &ch, e);
}

static int
run(struct diff *d, sqlite3_stmt *st, struct err *e)
{
	struct catalog_row row;
	const struct catalog_row *last;
	int more, rc;

	while ((more = catalog_step(d->cat, st, e)) == 1) {
		if (catalog_row_get(d->cat, st, 0, &row, e) == -1)
			return -1;
		last = d->has_a ? &d->in_a : &d->in_b;
		if ((d->has_a || d->has_b) && (last->dir != row.dir ||
		    strcmp(last->name, row.name) != 0)) {
			rc = give(d, e);
			if (rc != 0)
				return rc;
			d->has_a = d->has_b = false;
		}
		if (live(&row, d->a)) {
			d->in_a = row;
			d->has_a = true;
		}
		if (live(&row, d->b)) {
			d->in_b = row;
			d->has_b = true;
		}
	}
	return more == -1 ? -1 : give(d, e);
}

static int
prepare(struct diff *d, const char *sql, sqlite3_stmt **st, struct err *e)
{
	if (catalog_prepare(d->cat, sql, st, e) == -1)
		return -1;
	sqlite3_bind_int64(*st, 1, d->a->id);
	sqlite3_bind_int64(*st, 2, d->b->id);
	if (sqlite3_bind_parameter_count(*st) > 2) {
		sqlite3_bind_int64(*st, 3, catalog_series(d->a->id));
		sqlite3_bind_int64(*st, 4, catalog_series(d->b->id));
	}
	return 0;
}

static int
choose(struct diff *d, const char **ret_sql, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int more = -1;

	*ret_sql = across_sql;
	if (catalog_series(d->a->id) != catalog_series(d->b->id))
		return 0;
	if (prepare(d, count_sql, &st, e) == 0)
		more = catalog_step(d->cat, st, e);
	if (more == 1)
		*ret_sql = sqlite3_column_int(st, 0) != 0 ? few_sql : scan_sql;
	sqlite3_finalize(st);
	return more == 1 ? 0 : -1;
}

int
query_diff(struct catalog *c, const char *a, const char *b,
    int (*cb)(void *, const struct query_change *, struct err *), void *arg,
    struct err *e)
{
	struct diff d = { .cat = c, .a = catalog_snap(c, a),
		.b = catalog_snap(c, b), .cb = cb, .arg = arg };
	const struct catalog_snap *s;
	sqlite3_stmt *st = NULL;
	const char *sql;
	int rc = -1;

	if (d.a == NULL || d.b == NULL)
		return err_set(e, ERR_CONFIG, "%s: no snapshot of this name "
		    "in the catalogue", d.a == NULL ? a : b);
	d.swapped = d.a->id > d.b->id;
	if (d.swapped) {
		s = d.a;
		d.a = d.b;
		d.b = s;
	}
	buf_init(&d.path, 1u << 20);
	if (choose(&d, &sql, e) == 0 && prepare(&d, sql, &st, e) == 0 &&
	    catalog_prepare(c, "SELECT path FROM dir WHERE id=?1", &d.dir_of,
	    e) == 0)
		rc = run(&d, st, e);
	sqlite3_finalize(st);
	sqlite3_finalize(d.dir_of);
	buf_clear(&d.path);
	return rc == -1 ? -1 : 0;
}
