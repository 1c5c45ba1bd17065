/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <sys/stat.h>

#include "catalog_sql.h"
#include "query.h"

#define PATH_BYTES_MAX	(1u << 20)
#define OPEN_MAX_DEPTH	512	/* folders at a time; what is deeper counts
				   for the folder at this depth */

struct level {
	size_t len;		/* of its path, with the '/' */
	struct query_size sum;
};

struct du {
	struct catalog *cat;
	int64_t id, series, prev, next;
	unsigned depth;
	int (*cb)(void *, const struct query_size *, struct err *);
	void *arg;
	struct level levels[OPEN_MAX_DEPTH];
	unsigned n;
	char *path;		/* of the last level; owned */
	size_t len;
	int64_t dir;		/* of the last row */
	sqlite3_stmt *rows, *met;
};

/* The last folder is over. 0, 1 enough, -1. */
static int
leave(struct du *d, struct err *e)
{
	struct level *l = &d->levels[--d->n];
	struct query_size *up = d->n > 0 ? &d->levels[d->n - 1].sum : NULL;

	d->path[l->len] = '\0';
	if (up != NULL) {
		up->files += l->sum.files;
		up->bytes += l->sum.bytes;
		up->own_bytes += l->sum.own_bytes;
	}
	l->sum.path = d->path;
	l->sum.depth = d->n;
	return d->n <= d->depth ? d->cb(d->arg, &l->sum, e) : 0;
}

/* Rows of the folder path come next: leaves what does not hold it, enters
 * each folder down to it. */
static int
go_to(struct du *d, const char *path, size_t len, struct err *e)
{
	const char *slash;
	size_t at;
	int rc;

	if (len >= PATH_BYTES_MAX)
		return err_set(e, ERR_MEM, "a folder's path is too long");
	while (d->n > 0 && (d->levels[d->n - 1].len > len ||
	    memcmp(d->path, path, d->levels[d->n - 1].len) != 0)) {
		rc = leave(d, e);
		if (rc != 0)
			return rc;
	}
	memcpy(d->path, path, len + 1);
	at = d->n > 0 ? d->levels[d->n - 1].len : 0;
	while (at < len && d->n < OPEN_MAX_DEPTH &&
	    (slash = strchr(path + at, '/')) != NULL) {
		at = (size_t)(slash - path) + 1;
		d->levels[d->n++] = (struct level){ .len = at };
	}
	return 0;
}

/* Whether a file with this inode number was counted; else it is now. */
static int
counted(struct du *d, int64_t link, struct err *e)
{
	sqlite3_bind_int64(d->met, 1, link);
	if (catalog_run(d->cat, d->met, e) == -1)
		return -1;
	return sqlite3_changes(d->cat->db) == 0;
}

static int
count(struct du *d, struct err *e)
{
	sqlite3_stmt *st = d->rows;
	int64_t first = sqlite3_column_int64(st, 4), size;
	bool open = sqlite3_column_type(st, 5) == SQLITE_NULL, own;
	struct query_size *sum = &d->levels[d->n - 1].sum;
	int again = 0;

	/* The root's own row has no name. */
	if (sqlite3_column_int(st, 6) == 0)
		return 0;
	sum->files++;
	size = sqlite3_column_int64(st, 2);
	if (sqlite3_column_type(st, 3) != SQLITE_NULL)
		again = counted(d, sqlite3_column_int64(st, 3), e);
	if (again != 0)
		return again == -1 ? -1 : 0;
	own = first > d->prev && (d->next == 0 ||
	    (!open && sqlite3_column_int64(st, 5) < d->next));
	sum->bytes += (uint64_t)size;
	sum->own_bytes += own ? (uint64_t)size : 0;
	return 0;
}

static int
run(struct du *d, struct err *e)
{
	sqlite3_stmt *st = d->rows;
	const char *path;
	int more, rc;

	while ((more = catalog_step(d->cat, st, e)) == 1) {
		if (sqlite3_column_int64(st, 1) != d->dir) {
			d->dir = sqlite3_column_int64(st, 1);
			path = (const char *)sqlite3_column_text(st, 0);
			if (path == NULL || *path != '/')
				path = "/";
			rc = go_to(d, path, strlen(path), e);
			if (rc != 0)
				return rc;
		}
		if (count(d, e) == -1)
			return -1;
	}
	while (more == 0 && d->n > 0) {
		rc = leave(d, e);
		if (rc != 0)
			return rc;
	}
	return more;
}

int
query_du(struct catalog *c, const char *snapshot, unsigned depth,
    int (*cb)(void *, const struct query_size *, struct err *), void *arg,
    struct err *e)
{
	const struct catalog_snap *s = catalog_snap(c, snapshot);
	struct du *d = NULL;
	struct err ignored;
	int rc = -1;

	if (s == NULL)
		return err_set(e, ERR_CONFIG, "%s: no snapshot of this name "
		    "in the catalogue", snapshot);
	d = calloc(1, sizeof(*d));
	if (d != NULL)
		d->path = calloc(1, PATH_BYTES_MAX);
	if (d == NULL || d->path == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	d->cat = c;
	d->depth = depth;
	d->cb = cb;
	d->arg = arg;
	d->id = s->id;
	d->series = catalog_series(s->id);
	catalog_around(c, s->id, &d->prev, &d->next);
	if (catalog_exec(c, "CREATE TEMP TABLE IF NOT EXISTS met("
	    "link INTEGER PRIMARY KEY); DELETE FROM temp.met;", e) == -1 ||
	    catalog_prepare(c, "INSERT OR IGNORE INTO temp.met VALUES(?1)",
	    &d->met, e) == -1 ||
	    catalog_prepare(c, "SELECT d.path,d.id,e.size,e.link,e.first,"
	    "e.last,length(CAST(e.name AS BLOB)) FROM dir d CROSS JOIN entry e"
	    " ON e.dir=d.id WHERE " CATALOG_LIVE("e", "?2", "?1") " ORDER BY d.path",
	    &d->rows, e) == -1)
		goto out;
	sqlite3_bind_int64(d->rows, 1, d->id);
	sqlite3_bind_int64(d->rows, 2, d->series);
	rc = run(d, e);
out:
	if (d != NULL) {
		sqlite3_finalize(d->rows);
		sqlite3_finalize(d->met);
		free(d->path);
	}
	free(d);
	if (catalog_exec(c, "DROP TABLE IF EXISTS temp.met", &ignored) == -1)
		(void)0;
	return rc == -1 ? -1 : 0;
}
