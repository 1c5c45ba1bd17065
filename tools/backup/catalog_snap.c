/* SPDX-License-Identifier: ISC */
/* The catalogue's snapshots: their order, and how one is forgotten. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "catalog_sql.h"

#define TIME_BITS	40
#define TIME_MAX	((INT64_C(1) << TIME_BITS) - 2)
#define SERIES_MAX	(INT64_C(1) << 20)

int64_t
catalog_series(int64_t id)
{
	return id >> TIME_BITS << TIME_BITS;
}

/* NAME.DATE.TIME: the length of NAME, and TIME. */
static int
split(const char *name, size_t *ret_len, int64_t *ret_time, struct err *e)
{
	const char *end = strrchr(name, '.'), *dot = NULL;
	struct err ignored;
	uint64_t t;

	if (end != NULL)
		dot = memrchr(name, '.', (size_t)(end - name));
	if (dot == NULL || dot == name || strlen(name) > NAME_MAX ||
	    num_u64(end + 1, "time", 1, TIME_MAX, &t, &ignored) == -1)
		return err_set(e, ERR_CONFIG, "not a snapshot's name");
	*ret_len = (size_t)(dot - name);
	*ret_time = (int64_t)t;
	return 0;
}

int
catalog_id(struct catalog *c, const char *name, int64_t *ret, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int64_t t = 0, series;
	size_t len = 0;
	int rc = -1;

	if (split(name, &len, &t, e) == -1)
		return -1;
	if (catalog_prepare(c, "INSERT INTO series SELECT"
	    " ifnull(max(id)+1,0),?1 FROM series"
	    " WHERE true ON CONFLICT DO UPDATE SET name=name RETURNING id",
	    &st, e) == -1)
		goto out;
	sqlite3_bind_text(st, 1, name, (int)len, SQLITE_STATIC);
	if (catalog_step(c, st, e) != 1)
		goto out;
	series = sqlite3_column_int64(st, 0);
	if (catalog_step(c, st, e) == -1)
		goto out;
	if (series < 0 || series >= SERIES_MAX) {
		err_set(e, ERR_CONFIG, "%s: more series of snapshots than can "
		    "be", c->path);
		goto out;
	}
	*ret = series << TIME_BITS | t;
	rc = 0;
out:
	sqlite3_finalize(st);
	return rc;
}

int
catalog_reload(struct catalog *c, struct err *e)
{
	struct catalog_snap *snaps = NULL, *p, *s;
	sqlite3_stmt *st = NULL;
	size_t n = 0, cap = 0;
	int more, rc = -1;

	if (catalog_prepare(c, "SELECT id,made,files,bytes,name FROM snapshot"
	    " ORDER BY id", &st, e) == -1)
		goto out;
	while ((more = catalog_step(c, st, e)) == 1) {
		const void *name = sqlite3_column_text(st, 4);

		if (n == cap) {
			cap = cap == 0 ? 64 : cap * 2;
			p = reallocarray(snaps, cap, sizeof(*snaps));
			if (p == NULL) {
				err_set(e, ERR_MEM, "out of memory");
				goto out;
			}
			snaps = p;
		}
		s = &snaps[n++];
		s->id = sqlite3_column_int64(st, 0);
		s->made = sqlite3_column_int64(st, 1);
		s->files = (uint64_t)sqlite3_column_int64(st, 2);
		s->bytes = (uint64_t)sqlite3_column_int64(st, 3);
		snprintf(s->name, sizeof(s->name), "%s",
		    name != NULL ? (const char *)name : "");
	}
	if (more == -1)
		goto out;
	free(c->snaps);
	c->snaps = snaps;
	c->n = n;
	snaps = NULL;
	rc = 0;
out:
	free(snaps);
	sqlite3_finalize(st);
	return rc;
}

int
catalog_commit(struct catalog *c, int rc, struct err *e)
{
	struct err ignored;

	/* Before: so that nothing can fail behind the commit. */
	if (rc == 0)
		rc = catalog_reload(c, e);
	if (rc == 0 && catalog_exec(c, "COMMIT", e) == 0)
		return 0;
	if (!sqlite3_get_autocommit(c->db))
		catalog_exec(c, "ROLLBACK", &ignored);
	if (rc == 0 && catalog_reload(c, &ignored) == -1)
		c->n = 0;
	return -1;
}

const struct catalog_snap *
catalog_snap(const struct catalog *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->snaps[i].name, name) == 0)
			return &c->snaps[i];
	return NULL;
}

const struct catalog_snap *
catalog_by_id(const struct catalog *c, int64_t id)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->snaps[i].id == id)
			return &c->snaps[i];
	return NULL;
}

int
catalog_add(struct catalog *c, const struct catalog_snap *s, const char *name,
    struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc;

	if (catalog_prepare(c, "INSERT INTO snapshot VALUES(?1,?2,?3,?4,?5)",
	    &st, e) == -1)
		return -1;
	sqlite3_bind_int64(st, 1, s->id);
	sqlite3_bind_text(st, 2, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, s->made);
	sqlite3_bind_int64(st, 4, (int64_t)s->files);
	sqlite3_bind_int64(st, 5, (int64_t)s->bytes);
	rc = catalog_run(c, st, e);
	sqlite3_finalize(st);
	return rc;
}

/* How many snapshots have a smaller id. */
static size_t
below(const struct catalog *c, int64_t id)
{
	size_t lo = 0, hi = c->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (c->snaps[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void
catalog_around(const struct catalog *c, int64_t id, int64_t *ret_prev,
    int64_t *ret_next)
{
	int64_t series = catalog_series(id);
	size_t i = below(c, id);

	*ret_prev = i > 0 && c->snaps[i - 1].id >= series ?
	    c->snaps[i - 1].id : 0;
	if (i < c->n && c->snaps[i].id == id)
		i++;
	*ret_next = i < c->n && catalog_series(c->snaps[i].id) == series ?
	    c->snaps[i].id : 0;
}

void
catalog_shown(const struct catalog *c, const struct catalog_row *row,
    const struct catalog_snap **ret_first, const struct catalog_snap **ret_last)
{
	int64_t end = catalog_series(row->first) + TIME_MAX + 1;
	size_t a, b;

	if (row->last < end)
		end = row->last;
	a = below(c, row->first);
	b = below(c, end + 1);
	*ret_first = a < b ? &c->snaps[a] : NULL;
	*ret_last = a < b ? &c->snaps[b - 1] : NULL;
}

struct step {
	const char *sql;
	bool newest;		/* only when the newest of its series goes */
	bool older;		/* only when an older or a newer one stays */
};

/*
 * ?1 the snapshot, ?2 the one before it or one less than the series' first
 * id, ?3 the one behind it. What lived in no other goes; a row may go on
 * naming it as its end, since what counts is who is between its ends.
 */
static const struct step steps[] = {
	{ "DELETE FROM entry WHERE last>=?1 AND last<?3 AND first>?2", false,
	    true },
	{ "DELETE FROM entry WHERE first>?2 AND first<=?1 AND"
	    " (last IS NULL OR last>=?1)", true, false },
	/* What ended in the new newest is open again. */
	{ "UPDATE entry SET last=NULL WHERE last>=?2 AND last<=?1 AND"
	    " first>=?3", true, true },
	{ "DELETE FROM dir WHERE NOT EXISTS"
	    " (SELECT 1 FROM entry WHERE dir=dir.id)", false, false },
	{ "DELETE FROM snapshot WHERE id=?1", false, false },
};

static int
forget(struct catalog *c, int64_t id, struct err *e)
{
	int64_t prev, next, start = catalog_series(id);
	sqlite3_stmt *st = NULL;
	size_t i;
	int rc = 0;

	catalog_around(c, id, &prev, &next);
	for (i = 0; i < sizeof(steps) / sizeof(*steps) && rc == 0; i++) {
		if (steps[i].newest && next != 0)
			continue;
		if (steps[i].older && prev == 0 && next == 0)
			continue;
		if (steps[i].older && !steps[i].newest && next == 0)
			continue;
		if (catalog_prepare(c, steps[i].sql, &st, e) == -1)
			return -1;
		sqlite3_bind_int64(st, 1, id);
		sqlite3_bind_int64(st, 2, prev != 0 ? prev : start - 1);
		if (sqlite3_bind_parameter_count(st) >= 3)
			sqlite3_bind_int64(st, 3,
			    steps[i].newest ? start : next);
		rc = catalog_run(c, st, e);
		sqlite3_finalize(st);
	}
	return rc;
}

int
catalog_remove(struct catalog *c, const char *name, struct err *e)
{
	const struct catalog_snap *s = catalog_snap(c, name);

	if (s == NULL)
		return 0;
	if (catalog_exec(c, "BEGIN IMMEDIATE", e) == -1)
		return -1;
	return catalog_commit(c, forget(c, s->id, e), e);
}
