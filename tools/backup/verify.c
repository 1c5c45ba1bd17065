/* SPDX-License-Identifier: ISC */
#include "verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "catalog_sql.h"
#include "hash.h"
#include "meta.h"
#include "tree.h"
#include "verify_dates.h"

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
	int64_t twin;		/* id of the snapshot to compare; 0: none */
	struct verify_stats stats;
	struct hash_pool *pool;
	void *scratch;
	struct verify_dates dates;
	bool cut;		/* a file was not read to its end */
};

static bool
stopped(const struct verify *v)
{
	return v->o->stop != NULL && atomic_load(v->o->stop);
}

static int
progress(struct verify *v, struct err *e)
{
	return v->o->progress == NULL ? 0 :
	    v->o->progress(v->o->arg, &v->stats, e);
}

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

	if (r->sys_errno == ECANCELED && stopped(v)) {
		free(w->path);
		w->path = NULL;
		v->cut = true;
		return 0;
	}
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
	if (rc == -1 || verify_dates_put(&v->dates, &w->row,
	    right ? v->o->now : 0, e) == -1)
		return -1;
	return progress(v, e);
}

static bool
due(const struct verify *v, const struct catalog_row *row)
{
	/* A date of the future is none: the clock was set back. */
	if (row->verified >= v->o->since && row->verified <= v->o->now)
		return false;
	return v->o->sample == 0 || row->verified == 0 ||
	    verify_draw(v->o->seed, row) < v->o->sample;
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

/* Whether the twin's tree has the same file, which was right. */
static bool
known(const struct verify *v, const struct tree_item *it)
{
	return it->same && it->prev != NULL && it->prev->first <= v->twin &&
	    it->prev->last >= v->twin && !(S_ISREG(it->st->st_mode) &&
	    due(v, it->prev));
}

static int
one(void *arg, const struct tree_item *it, struct err *e)
{
	struct verify *v = arg;
	char *path;
	int rc;

	if (stopped(v))
		return err_set(e, ERR_REFUSED, "interrupted");
	if (known(v, it)) {
		v->stats.files++;
		return 0;
	}
	path = path_of(it);
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

	/* What can't be kept now is kept later. */
	if (v->dates.n >= VERIFY_DATES_MANY && verify_dates_keep(&v->dates,
	    false, e) == -1)
		return -1;
	return progress(v, e);
}

static int
unreadable(void *arg, const char *path, const char *why, struct err *e)
{
	return report(arg, VERIFY_UNREADABLE, path, 0, why, e);
}

static int
run(struct verify *v, struct err *e)
{
	struct tree t = { .cat = v->cat, .root = v->o->root,
		.twin = v->twin != 0 ? v->o->twin_root : -1,
		.prev = v->snap->id, .one = one, .folder = folder_done,
		.unreadable = unreadable, .arg = v };
	struct err later = ERR_INIT;
	uint64_t due;
	int rc;

	if (verify_dates_init(&v->dates, v->cat, e) == -1 ||
	    verify_dates_due(v->cat, v->snap, v->o->since, &due, e) == -1)
		return -1;
	v->stats.total = v->o->sample == 0 ? due :
	    (uint64_t)((double)due * v->o->sample / 10000);
	rc = progress(v, e);
	if (rc == 0)
		rc = tree_run(&t, e);
	/* Also of what was broken off: what is read by now counts. */
	while (hash_pool_drain(v->pool, rc == 0 ? e : &later) == -1)
		rc = -1;
	if (rc == 0 && v->cut)
		rc = err_set(e, ERR_REFUSED, "interrupted");
	if (verify_dates_keep(&v->dates, true, rc == 0 ? e : &later) == -1)
		rc = -1;
	return rc;
}

int
verify_run(struct catalog *c, const struct verify_opts *o,
    struct verify_stats *ret, struct err *e)
{
	const struct catalog_snap *twin = o->twin == NULL ? NULL :
	    catalog_snap(c, o->twin);
	struct verify v = { .cat = c, .o = o };
	int rc = -1;

	v.snap = catalog_snap(c, o->snapshot);
	if (v.snap == NULL)
		return err_set(e, ERR_CONFIG, "%s: no snapshot of this name "
		    "in the catalogue", o->snapshot);
	/* Snapshots of other jobs have no row in common. */
	if (twin != NULL && catalog_series(twin->id) ==
	    catalog_series(v.snap->id))
		v.twin = twin->id;
	v.scratch = malloc(META_SCRATCH);
	if (v.scratch == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	if (hash_pool_new(o->threads, sizeof(struct waiting), hashed, &v,
	    &v.pool, e) == 0) {
		hash_pool_stop(v.pool, o->stop);
		rc = run(&v, e);
	}
	hash_pool_free(v.pool);
	verify_dates_clear(&v.dates);
	free(v.scratch);
	*ret = v.stats;
	return rc;
}
