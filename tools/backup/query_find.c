/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/buf.h"
#include "catalog_sql.h"
#include "glob.h"
#include "query.h"

#define PATH_BYTES_MAX	(1u << 20)
#define MANY		"2000"	/* folders */

struct find {
	struct catalog *cat;
	const char *pattern;	/* for whole paths; NULL: all that comes */
	int64_t live, series;	/* live: a snapshot's id, or 0 */
	int (*cb)(void *, const struct query_file *, struct err *);
	void *arg;
	struct buf path;
};

/* A row and its folder's path. 0, 1 enough, -1. */
static int
give(struct find *f, const char *dir, const struct catalog_row *row,
    struct err *e)
{
	struct query_file q = { .m = &row->m };

	if (f->live != 0 && (row->first < f->series || row->first > f->live ||
	    row->last < f->live))
		return 0;
	f->path.len = 0;
	if (buf_adds(&f->path, dir) == -1 ||
	    buf_adds(&f->path, row->name) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (f->pattern != NULL &&
	    !glob_match(f->pattern, f->path.data, f->path.len))
		return 0;
	q.path = f->path.data;
	catalog_shown(f->cat, row, &q.first, &q.last);
	return q.first == NULL ? 0 : f->cb(f->arg, &q, e);
}

/* All that st gives: a folder's path and CATALOG_COLS. */
static int
give_all(struct find *f, sqlite3_stmt *st, struct err *e)
{
	struct catalog_row row;
	const void *dir;
	int more, rc;

	while ((more = catalog_step(f->cat, st, e)) == 1) {
		dir = sqlite3_column_text(st, 0);
		if (catalog_row_get(f->cat, st, 1, &row, e) == -1)
			return -1;
		rc = give(f, dir != NULL ? dir : "", &row, e);
		if (rc != 0)
			return rc;
	}
	return more;
}

/* The path of len bytes itself. */
static int
find_exact(struct find *f, const char *path, size_t len, struct err *e)
{
	sqlite3_stmt *st = NULL;
	size_t dir = len;
	int rc = -1;

	while (dir > 0 && path[dir - 1] != '/')
		dir--;
	if (catalog_prepare(f->cat, "SELECT d.path," CATALOG_COLS " FROM dir d"
	    " CROSS JOIN entry e ON e.dir=d.id WHERE d.path=?1 AND e.name=?2",
	    &st, e) == -1)
		goto out;
	sqlite3_bind_text(st, 1, path, (int)dir, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, path + dir, (int)(len - dir), SQLITE_STATIC);
	rc = give_all(f, st, e);
out:
	sqlite3_finalize(st);
	return rc;
}

/* All paths that begin with the len bytes of path, a '/' among them. */
static int
find_below(struct find *f, const char *path, size_t len, struct err *e)
{
	sqlite3_stmt *st = NULL;
	size_t dir = len;
	int rc = -1;

	while (dir > 0 && path[dir - 1] != '/')
		dir--;
	if (catalog_prepare(f->cat, "SELECT d.path," CATALOG_COLS " FROM dir d"
	    " CROSS JOIN entry e ON e.dir=d.id WHERE d.path=?1 AND"
	    " e.name>=?2 AND e.name<?3", &st, e) == -1 ||
	    catalog_bind_range(st, 2, path + dir, len - dir, e) == -1)
		goto out;
	sqlite3_bind_text(st, 1, path, (int)dir, SQLITE_STATIC);
	rc = give_all(f, st, e);
	if (rc != 0)
		goto out;
	sqlite3_finalize(st);
	st = NULL;
	rc = -1;
	/* When path ends in '/', its own folder was had above. */
	if (catalog_prepare(f->cat, "SELECT d.path," CATALOG_COLS " FROM dir d"
	    " CROSS JOIN entry e ON e.dir=d.id WHERE d.path>=?1 AND"
	    " d.path<?2 AND d.path<>?3", &st, e) == -1 ||
	    catalog_bind_range(st, 1, path, len, e) == -1)
		goto out;
	sqlite3_bind_text(st, 3, path, (int)dir, SQLITE_STATIC);
	rc = give_all(f, st, e);
out:
	sqlite3_finalize(st);
	return rc;
}

/* One name of the index that matches: its state. */
static int
give_key(struct find *f, sqlite3_stmt *key, sqlite3_stmt *row, struct err *e)
{
	int rc;

	sqlite3_bind_int64(row, 1, sqlite3_column_int64(key, 1));
	sqlite3_bind_value(row, 2, sqlite3_column_value(key, 0));
	sqlite3_bind_int64(row, 3, sqlite3_column_int64(key, 2));
	rc = give_all(f, row, e);
	sqlite3_reset(row);
	return rc;
}

/* All names that match last; whole paths are then left to give(). */
static int
find_anywhere(struct find *f, const char *last, struct err *e)
{
	sqlite3_stmt *key = NULL, *row = NULL;
	size_t fixed = glob_literal(last), llen = strlen(last), n;
	size_t tail = glob_tail(last);	/* most names fail here already */
	bool literal = fixed == llen;
	const char *name;
	int more, rc = -1;

	if (catalog_prepare(f->cat, "SELECT name,dir,first FROM entry"
	    " INDEXED BY entry_first", &key, e) == -1 ||
	    catalog_prepare(f->cat, "SELECT d.path," CATALOG_COLS
	    " FROM entry e JOIN dir d ON d.id=e.dir WHERE e.dir=?1 AND"
	    " e.name=?2 AND e.first=?3", &row, e) == -1)
		goto out;
	while ((more = catalog_step(f->cat, key, e)) == 1) {
		name = (const char *)sqlite3_column_text(key, 0);
		n = (size_t)sqlite3_column_bytes(key, 0);
		if (name == NULL || n < fixed || n < tail ||
		    memcmp(name, last, fixed) != 0 ||
		    memcmp(name + n - tail, last + llen - tail, tail) != 0)
			continue;
		if (literal ? n != llen : !glob_match(last, name, n))
			continue;
		rc = give_key(f, key, row, e);
		if (rc != 0)
			goto out;
	}
	rc = more;
out:
	sqlite3_finalize(key);
	sqlite3_finalize(row);
	return rc;
}

/* A pattern that does not begin with '/'. */
static int
find_relative(struct find *f, const char *pattern, struct err *e)
{
	const char *slash = strrchr(pattern, '/');
	const char *last = slash != NULL ? slash + 1 : pattern;
	struct buf whole;
	int rc = -1;

	/* In a class or behind a "**" the last part of the pattern is not that
	 * of the path. */
	if (slash == NULL && strstr(pattern, "**") == NULL)
		return find_anywhere(f, pattern, e);
	buf_init(&whole, PATH_BYTES_MAX);
	if (buf_addf(&whole, "**/%s", pattern) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	f->pattern = whole.data;
	if (strstr(last, "**") != NULL || strchr(pattern, '[') != NULL)
		last = "*";
	rc = find_anywhere(f, last, e);
	f->pattern = NULL;
out:
	buf_clear(&whole);
	return rc;
}

/* Where few folders have that beginning, reading them is faster than reading
 * all names. 1 many, 0, -1. */
static int
many_below(struct find *f, const char *path, size_t len, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = -1;

	if (catalog_prepare(f->cat, "SELECT count(*)>" MANY " FROM (SELECT 1"
	    " FROM dir WHERE path>=?1 AND path<?2 LIMIT " MANY "+1)", &st,
	    e) == -1 || catalog_bind_range(st, 1, path, len, e) == -1)
		goto out;
	if (catalog_step(f->cat, st, e) == 1)
		rc = sqlite3_column_int(st, 0);
out:
	sqlite3_finalize(st);
	return rc;
}

/* The files whose folder matches the pattern up to its last '/' (folders)
 * and whose name matches the rest; fixed: as in find_absolute(). */
static int
find_in(struct find *f, const char *folders, const char *last, size_t fixed,
    struct err *e)
{
	sqlite3_stmt *dir = NULL, *st = NULL;
	int more, rc = -1;

	if (catalog_prepare(f->cat, "SELECT path,id FROM dir WHERE path>=?1"
	    " AND path<?2", &dir, e) == -1 ||
	    catalog_prepare(f->cat, "SELECT d.path," CATALOG_COLS " FROM dir d"
	    " CROSS JOIN entry e ON e.dir=d.id WHERE d.id=?1 AND e.name>=?2"
	    " AND e.name<?3", &st, e) == -1 ||
	    catalog_bind_range(dir, 1, folders, fixed < strlen(folders) ? fixed :
	    strlen(folders), e) == -1 ||
	    catalog_bind_range(st, 2, last, glob_literal(last), e) == -1)
		goto out;
	while ((more = catalog_step(f->cat, dir, e)) == 1) {
		if (!glob_match(folders,
		    (const char *)sqlite3_column_text(dir, 0),
		    (size_t)sqlite3_column_bytes(dir, 0)))
			continue;
		sqlite3_bind_int64(st, 1, sqlite3_column_int64(dir, 1));
		rc = give_all(f, st, e);
		sqlite3_reset(st);
		if (rc != 0)
			goto out;
	}
	rc = more;
out:
	sqlite3_finalize(dir);
	sqlite3_finalize(st);
	return rc;
}

static int
find_absolute(struct find *f, const char *pattern, struct err *e)
{
	size_t len = strlen(pattern), fixed = glob_literal(pattern);
	const char *last = strrchr(pattern, '/') + 1;
	char *folders;
	int rc;

	if (fixed == len && pattern[len - 1] != '/')
		return find_exact(f, pattern, len, e);
	if (fixed == len) {
		rc = len > 1 ? find_exact(f, pattern, len - 1, e) : 0;
		return rc != 0 ? rc : find_below(f, pattern, len, e);
	}
	/* "/a/" + "**" needs no second look. */
	if (strcmp(pattern + fixed, "**") == 0)
		return find_below(f, pattern, fixed, e);
	f->pattern = pattern;
	/* Only then the last '/' of the pattern is the path's last one. */
	if (strstr(last, "**") != NULL || strchr(pattern, '[') != NULL ||
	    strchr(pattern, '\\') != NULL)
		return find_below(f, pattern, fixed, e);
	rc = strstr(pattern, "**") != NULL ?
	    many_below(f, pattern, fixed, e) : 0;
	if (rc != 0)
		return rc == -1 ? -1 : find_anywhere(f, last, e);
	folders = strndup(pattern, (size_t)(last - pattern));
	if (folders == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	rc = find_in(f, folders, last, fixed, e);
	free(folders);
	return rc;
}

/* The snapshot that it is limited to, if any. */
static int
limit(struct find *f, const char *snapshot, struct err *e)
{
	const struct catalog_snap *s;

	buf_init(&f->path, PATH_BYTES_MAX);
	if (snapshot == NULL)
		return 0;
	s = catalog_snap(f->cat, snapshot);
	if (s == NULL)
		return err_set(e, ERR_CONFIG, "%s: no snapshot of this name "
		    "in the catalogue", snapshot);
	f->live = s->id;
	f->series = catalog_series(s->id);
	return 0;
}

int
query_find(struct catalog *c, const char *pattern, const char *snapshot,
    int (*cb)(void *, const struct query_file *, struct err *), void *arg,
    struct err *e)
{
	struct find f = { .cat = c, .cb = cb, .arg = arg };
	int rc;

	if (limit(&f, snapshot, e) == -1)
		return -1;
	if (*pattern == '\0')
		return err_set(e, ERR_CONFIG, "an empty pattern");
	rc = *pattern == '/' ? find_absolute(&f, pattern, e) :
	    find_relative(&f, pattern, e);
	buf_clear(&f.path);
	return rc == -1 ? -1 : 0;
}

int
query_path(struct catalog *c, const char *path, bool prefix,
    const char *snapshot,
    int (*cb)(void *, const struct query_file *, struct err *), void *arg,
    struct err *e)
{
	struct find f = { .cat = c, .cb = cb, .arg = arg };
	size_t len = strlen(path);
	int rc;

	if (*path != '/')
		return err_set(e, ERR_USAGE, "a path begins with a slash");
	if (limit(&f, snapshot, e) == -1)
		return -1;
	if (!prefix && len > 1 && path[len - 1] == '/')
		len--;
	rc = prefix ? find_below(&f, path, len, e) :
	    find_exact(&f, path, len, e);
	buf_clear(&f.path);
	return rc == -1 ? -1 : 0;
}
