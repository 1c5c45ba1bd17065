/* SPDX-License-Identifier: ISC */
#include "verify.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "catalog_sql.h"
#include "hash.h"
#include "meta.h"
#include "tree.h"

#define COMMIT_EVERY	4096	/* files read between two commits */

/* A file that is being read. */
struct waiting {
	char *path;		/* owned */
	struct catalog_meta m;	/* what is on disk */
	struct catalog_row row;
};

struct verify {
	struct catalog *cat;
	const struct verify_opts *o;
	const struct catalog_snap *snap;
	struct verify_stats stats;
	struct hash_pool *pool;
	void *scratch;
	sqlite3_stmt *stamp;
	uint64_t uncommitted;
};

static int
report(struct verify *v, enum verify_kind kind, const char *path,
    unsigned what, const char *why, struct err *e)
{
	struct verify_found f = { kind, v->snap, path, what, why };

	v->stats.found++;
	return v->o->found(v->o->arg, &f, e);
}

static char *
path_of(const struct tree_item *it)
{
	struct buf b;
	char *s = NULL;

	buf_init(&b, 1u << 20);
	if (buf_adds(&b, it->path) == 0 && buf_adds(&b, it->name) == 0)
		s = buf_steal(&b);
	buf_clear(&b);
	return s;
}

/* When the content of row was right last; 0: it is not. */
static int
stamp(struct verify *v, const struct catalog_row *row, int64_t when,
    struct err *e)
{
	sqlite3_stmt *st = v->stamp;

	sqlite3_bind_int64(st, 1, row->dir);
	sqlite3_bind_text(st, 2, row->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, row->first);
	sqlite3_bind_int64(st, 4, when);
	v->uncommitted++;
	return catalog_run(v->cat, st, e);
}

/* What differs, named by what it means. */
static int
compare(struct verify *v, const char *path, const struct catalog_meta *was,
    const struct catalog_meta *is, struct err *e)
{
	unsigned what = catalog_changed(was, is);

	if (what == 0)
		return 0;
	return report(v, what == CATALOG_CONTENT ? VERIFY_ROT :
	    VERIFY_ALTERED, path, what, "", e);
}

static int
hashed(void *arg, void *slot, const struct hash_result *r, struct err *e)
{
	struct verify *v = arg;
	struct waiting *w = slot;
	bool right;
	int rc;

	v->stats.read++;
	v->stats.bytes += r->bytes;
	if (r->sys_errno != 0) {
		rc = report(v, VERIFY_UNREADABLE, w->path, 0,
		    strerror(r->sys_errno), e);
		right = false;
	} else {
		memcpy(w->m.hash, r->hash, HASH_BYTES);
		w->m.has_hash = true;
		w->m.size = r->bytes;
		right = w->row.m.has_hash && memcmp(w->row.m.hash, r->hash,
		    HASH_BYTES) == 0;
		if (w->row.m.has_hash)
			rc = compare(v, w->path, &w->row.m, &w->m, e);
		else
			rc = report(v, VERIFY_UNREADABLE, w->path, 0,
			    "could not be read when it was recorded", e);
	}
	free(w->path);
	w->path = NULL;
	if (rc == -1)
		return -1;
	return stamp(v, &w->row, right ? v->o->now : 0, e);
}

static bool
due(const struct verify *v, const struct catalog_row *row)
{
	if (row->verified >= v->o->since && v->o->since != INT64_MAX)
		return false;
	return v->o->sample == 0 || row->verified == 0 ||
	    randombytes_uniform(10000) < v->o->sample;
}

static int
submit(struct verify *v, const struct tree_item *it, char *path,
    const struct catalog_meta *m, int fd, struct err *e)
{
	struct waiting *w = hash_pool_slot(v->pool, e);

	if (w == NULL) {
		close(fd);
		free(path);
		return -1;
	}
	w->path = path;
	w->m = *m;
	w->row = *it->prev;
	hash_pool_submit(v->pool, fd, m->size);
	return 0;
}

/* A name that is on disk and recorded. Takes path. */
static int
both(struct verify *v, const struct tree_item *it, char *path, struct err *e)
{
	struct err why = ERR_INIT;
	struct catalog_meta m;
	bool content = false, reg = S_ISREG(it->st->st_mode);
	int fd = -1, rc;

	if ((reg && meta_open(it->dirfd, it->name, it->st, &fd, &why) == -1) ||
	    meta_read(it->dirfd, it->name, *it->name == '\0' ? it->dirfd : fd,
	    it->st, v->scratch, &m, &content, &why) == -1) {
		rc = report(v, VERIFY_UNREADABLE, path, 0, why.msg, e);
		goto out;
	}
	if (content && due(v, it->prev))
		return submit(v, it, path, &m, fd, e);
	/* Not read: taken to be right, unless it can't be. */
	if (content && it->prev->m.has_hash) {
		memcpy(m.hash, it->prev->m.hash, sizeof(m.hash));
		m.has_hash = true;
	}
	rc = compare(v, path, &it->prev->m, &m, e);
out:
	if (fd != -1)
		close(fd);
	free(path);
	return rc;
}

static int
one(void *arg, const struct tree_item *it, struct err *e)
{
	struct verify *v = arg;
	char *path = path_of(it);
	int rc;

	if (path == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	v->stats.files++;
	if (it->st != NULL && it->prev != NULL)
		return both(v, it, path, e);
	rc = report(v, it->st == NULL ? VERIFY_MISSING : VERIFY_ADDED, path, 0,
	    "", e);
	free(path);
	return rc;
}

static int
folder_done(void *arg, struct err *e)
{
	struct verify *v = arg;

	if (v->uncommitted >= COMMIT_EVERY) {
		v->uncommitted = 0;
		if (catalog_exec(v->cat, "COMMIT;BEGIN IMMEDIATE", e) == -1)
			return -1;
	}
	return v->o->progress == NULL ? 0 :
	    v->o->progress(v->o->arg, &v->stats, e);
}

static int
unreadable(void *arg, const char *path, const char *why, struct err *e)
{
	return report(arg, VERIFY_UNREADABLE, path, 0, why, e);
}

/* How much is to be read. */
static int
estimate(struct verify *v, struct err *e)
{
	sqlite3_stmt *st = NULL;
	uint64_t sum;
	int rc = -1;

	if (catalog_prepare(v->cat, "SELECT total(e.size) FROM entry e WHERE "
	    CATALOG_LIVE("e", "?2", "?1") " AND e.verified<?3", &st, e) == -1)
		goto out;
	sqlite3_bind_int64(st, 1, v->snap->id);
	sqlite3_bind_int64(st, 2, catalog_series(v->snap->id));
	sqlite3_bind_int64(st, 3, v->o->since);
	if (catalog_step(v->cat, st, e) != 1)
		goto out;
	sum = (uint64_t)sqlite3_column_int64(st, 0);
	v->stats.total = v->o->sample == 0 ? sum :
	    (uint64_t)((double)sum * v->o->sample / 10000);
	rc = 0;
out:
	sqlite3_finalize(st);
	return rc;
}

static int
run(struct verify *v, struct err *e)
{
	struct tree t = { .cat = v->cat, .root = v->o->root, .twin = -1,
		.prev = v->snap->id, .one = one, .folder = folder_done,
		.unreadable = unreadable, .arg = v };
	struct err later;
	int rc;

	if (catalog_prepare(v->cat, "UPDATE entry SET verified=?4 WHERE dir=?1"
	    " AND name=?2 AND first=?3", &v->stamp, e) == -1 ||
	    estimate(v, e) == -1 ||
	    catalog_exec(v->cat, "BEGIN IMMEDIATE", e) == -1)
		return -1;
	rc = tree_run(&t, e);
	/* Also of what was broken off: what is read by now counts. */
	while (hash_pool_drain(v->pool, rc == 0 ? e : &later) == -1)
		rc = -1;
	if (catalog_exec(v->cat, "COMMIT", rc == 0 ? e : &later) == -1)
		rc = -1;
	if (!sqlite3_get_autocommit(v->cat->db))
		catalog_exec(v->cat, "ROLLBACK", &later);
	return rc;
}

int
verify_run(struct catalog *c, const struct verify_opts *o,
    struct verify_stats *ret, struct err *e)
{
	struct verify v = { .cat = c, .o = o };
	int rc = -1;

	v.snap = catalog_snap(c, o->snapshot);
	if (v.snap == NULL)
		return err_set(e, ERR_CONFIG, "%s: no snapshot of this name "
		    "in the catalogue", o->snapshot);
	v.scratch = malloc(META_SCRATCH);
	if (v.scratch == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	if (hash_pool_new(o->threads, sizeof(struct waiting), hashed, &v,
	    &v.pool, e) == 0)
		rc = run(&v, e);
	hash_pool_free(v.pool);
	sqlite3_finalize(v.stamp);
	free(v.scratch);
	if (rc == 0)
		*ret = v.stats;
	return rc;
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
