/* SPDX-License-Identifier: ISC */
/* A row of entry, out of SQLite and into it. */
#include <string.h>

#include "catalog_sql.h"

static bool
blob(sqlite3_stmt *st, int col, unsigned char *out, size_t len)
{
	const void *p = sqlite3_column_blob(st, col);

	if (p == NULL || (size_t)sqlite3_column_bytes(st, col) != len)
		return false;
	memcpy(out, p, len);
	return true;
}

int
catalog_row_get(struct catalog *c, sqlite3_stmt *st, int col,
    struct catalog_row *row, struct err *e)
{
	struct catalog_meta *m = &row->m;
	const void *name;
	int len;

	row->dir = sqlite3_column_int64(st, col);
	name = sqlite3_column_text(st, col + 1);
	len = sqlite3_column_bytes(st, col + 1);
	if (name == NULL || len > NAME_MAX ||
	    memchr(name, '\0', (size_t)len) != NULL) {
		c->damaged = true;
		return err_set(e, ERR_CONFIG, "%s: the catalogue is damaged "
		    "(a name that no file can have); it can be made again "
		    "from the snapshots", c->path);
	}
	memcpy(row->name, name, (size_t)len + 1);
	row->first = sqlite3_column_int64(st, col + 2);
	row->last = sqlite3_column_type(st, col + 3) == SQLITE_NULL ?
	    CATALOG_OPEN : sqlite3_column_int64(st, col + 3);
	m->mode = (uint32_t)sqlite3_column_int64(st, col + 4);
	m->uid = (uint32_t)sqlite3_column_int64(st, col + 5);
	m->gid = (uint32_t)sqlite3_column_int64(st, col + 6);
	m->size = (uint64_t)sqlite3_column_int64(st, col + 7);
	m->mtime_ns = sqlite3_column_int64(st, col + 8);
	m->rdev = (uint64_t)sqlite3_column_int64(st, col + 9);
	m->link = (uint64_t)sqlite3_column_int64(st, col + 10);
	row->verified = sqlite3_column_int64(st, col + 11);
	m->has_hash = blob(st, col + 12, m->hash, sizeof(m->hash));
	m->has_xattr = blob(st, col + 13, m->xattr, sizeof(m->xattr));
	return 0;
}

/* 0 takes no room as NULL. */
static void
bind_or_null(sqlite3_stmt *st, int i, uint64_t n)
{
	if (n != 0)
		sqlite3_bind_int64(st, i, (int64_t)n);
	else
		sqlite3_bind_null(st, i);
}

void
catalog_row_put(sqlite3_stmt *st, const struct catalog_row *row)
{
	const struct catalog_meta *m = &row->m;

	sqlite3_bind_int64(st, 1, row->dir);
	sqlite3_bind_text(st, 2, row->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, row->first);
	if (row->last == CATALOG_OPEN)
		sqlite3_bind_null(st, 4);
	else
		sqlite3_bind_int64(st, 4, row->last);
	sqlite3_bind_int64(st, 5, m->mode);
	sqlite3_bind_int64(st, 6, m->uid);
	sqlite3_bind_int64(st, 7, m->gid);
	sqlite3_bind_int64(st, 8, (int64_t)m->size);
	sqlite3_bind_int64(st, 9, m->mtime_ns);
	bind_or_null(st, 10, m->rdev);
	bind_or_null(st, 11, m->link);
	sqlite3_bind_int64(st, 12, row->verified);
	if (m->has_hash)
		sqlite3_bind_blob(st, 13, m->hash, sizeof(m->hash),
		    SQLITE_STATIC);
	else
		sqlite3_bind_null(st, 13);
	if (m->has_xattr)
		sqlite3_bind_blob(st, 14, m->xattr, sizeof(m->xattr),
		    SQLITE_STATIC);
	else
		sqlite3_bind_null(st, 14);
}

/* The smallest string above all that begin with the len bytes of s; none
 * (len 0) when there is no such. */
static void
above(char *s, size_t *len)
{
	while (*len > 0 && (unsigned char)s[*len - 1] == 0xff)
		--*len;
	if (*len > 0)
		s[*len - 1] = (char)(s[*len - 1] + 1);
}

int
catalog_bind_range(sqlite3_stmt *st, int i, const char *s, size_t len, struct err *e)
{
	char *end = malloc(len + 1);
	size_t n = len;

	if (end == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	memcpy(end, s, len);
	above(end, &n);
	sqlite3_bind_text(st, i, s, (int)len, SQLITE_STATIC);
	/* A BLOB is above any TEXT. */
	if (n > 0)
		sqlite3_bind_text(st, i + 1, end, (int)n, SQLITE_TRANSIENT);
	else
		sqlite3_bind_zeroblob(st, i + 1, 1);
	free(end);
	return 0;
}
