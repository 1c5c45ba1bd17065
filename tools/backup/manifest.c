/* SPDX-License-Identifier: ISC */
#include "manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "changes.h"
#include "hash.h"
#include "links.h"
#include "manifest_rows.h"
#include "meta.h"
#include "tree.h"

/* A name whose content is being read. */
struct waiting {
	int64_t dir;
	char name[NAME_MAX + 1];
	struct catalog_meta m;
	struct catalog_row prev, next;
	bool has_prev, has_next, one;
	bool linked;			/* it has more names */
	uint64_t dev, ino;
};

struct make {
	struct catalog *cat;
	const struct manifest_opts *o;
	struct manifest_rows rows;
	struct manifest_stats stats;
	struct hash_pool *pool;
	void *scratch;
	struct links links;
	sqlite3_stmt *path_of;
	bool part;		/* what did not change is not gone into */
};

static void
problem(struct make *mk, int64_t dir, const char *name, const char *why)
{
	struct err ignored;
	struct buf b;

	mk->stats.unreadable++;
	if (mk->o->problem == NULL)
		return;
	buf_init(&b, 1u << 20);
	sqlite3_bind_int64(mk->path_of, 1, dir);
	if (catalog_step(mk->cat, mk->path_of, &ignored) == 1)
		(void)buf_add(&b, sqlite3_column_text(mk->path_of, 0),
		    (size_t)sqlite3_column_bytes(mk->path_of, 0));
	sqlite3_reset(mk->path_of);
	(void)buf_adds(&b, name);
	mk->o->problem(mk->o->arg, b.data, why);
	buf_clear(&b);
}

/* The state of a name is known. */
static int
settle(struct make *mk, int64_t dir, const char *name,
    const struct catalog_meta *m, const struct catalog_row *prev,
    const struct catalog_row *next, struct err *e)
{
	/* The sums of a part began as those of the snapshot before. */
	if (mk->part && prev != NULL) {
		mk->stats.files--;
		mk->stats.bytes -= prev->m.size;
	}
	if (m != NULL) {
		mk->stats.files++;
		mk->stats.bytes += m->size;
	}
	return manifest_rows_set(&mk->rows, dir, name, m, prev, next, e);
}

/* Whether it is to be given up. */
static bool
stopped(const struct make *mk)
{
	return mk->o->stop != NULL && atomic_load(mk->o->stop);
}

static int
hashed(void *arg, void *slot, const struct hash_result *r, struct err *e)
{
	struct make *mk = arg;
	struct waiting *w = slot;

	if (r->sys_errno == ECANCELED && stopped(mk))
		return err_set(e, ERR_REFUSED, "interrupted");
	mk->stats.hashed++;
	mk->stats.hashed_bytes += r->bytes;
	if (r->sys_errno == 0) {
		memcpy(w->m.hash, r->hash, HASH_BYTES);
		w->m.has_hash = true;
		w->m.size = r->bytes;
		if (w->linked && links_put(&mk->links, w->dev, w->ino,
		    r->hash, e) == -1)
			return -1;
	} else {
		problem(mk, w->dir, w->name, strerror(r->sys_errno));
	}
	return settle(mk, w->dir, w->name, &w->m,
	    w->has_prev ? &w->prev : NULL,
	    w->one ? &w->prev : w->has_next ? &w->next : NULL, e);
}

/* Gives fd (taken) to be read. */
static int
submit(struct make *mk, const struct tree_item *it,
    const struct catalog_meta *m, bool linked, int fd, struct err *e)
{
	struct waiting *w = hash_pool_slot(mk->pool, e);

	if (w == NULL) {
		close(fd);
		return -1;
	}
	w->dir = it->dir;
	memcpy(w->name, it->name, strlen(it->name) + 1);
	w->m = *m;
	w->has_prev = it->prev != NULL;
	w->one = it->prev != NULL && it->next == it->prev;
	w->has_next = it->next != NULL;
	if (w->has_prev)
		w->prev = *it->prev;
	if (w->has_next && !w->one)
		w->next = *it->next;
	w->linked = linked;
	w->dev = it->st->st_dev;
	w->ino = it->st->st_ino;
	hash_pool_submit(mk->pool, fd, m->size);
	return 0;
}

/* Whether another name's hash will do; then it is in *m. -1 on errors. */
static int
known_link(struct make *mk, const struct stat *st, struct catalog_meta *m,
    struct err *e)
{
	int met = links_get(&mk->links, st->st_dev, st->st_ino, m, e);

	if (met == 1 && !m->has_hash) {
		if (hash_pool_drain(mk->pool, e) == -1)
			return -1;
		met = links_get(&mk->links, st->st_dev, st->st_ino, m, e);
	}
	if (met == 0)
		return links_put(&mk->links, st->st_dev, st->st_ino, NULL, e);
	return met == -1 ? -1 : m->has_hash;
}

static int
regular(struct make *mk, const struct tree_item *it, struct err *e)
{
	bool content = false, linked = it->st->st_nlink > 1;
	struct err why = ERR_INIT;
	struct catalog_meta m;
	int fd = -1, known = 0;

	if (meta_open(it->dirfd, it->name, it->st, &fd, &why) == -1 ||
	    meta_read(it->dirfd, it->name, fd, it->st, mk->scratch, &m,
	    &content, &why) == -1) {
		problem(mk, it->dir, it->name, why.msg);
		meta_plain(it->st, &m);
		content = fd != -1;
	}
	if (content && linked)
		known = known_link(mk, it->st, &m, e);
	if (content && known == 0)
		return submit(mk, it, &m, linked, fd, e);
	if (fd != -1)
		close(fd);
	if (known == -1)
		return -1;
	return settle(mk, it->dir, it->name, &m, it->prev, it->next, e);
}

static int
one(void *arg, const struct tree_item *it, struct err *e)
{
	struct make *mk = arg;
	struct err why = ERR_INIT;
	struct catalog_meta m;
	bool content, root = *it->name == '\0';

	if (stopped(mk))
		return err_set(e, ERR_REFUSED, "interrupted");
	if (it->st == NULL)
		return settle(mk, it->dir, it->name, NULL, it->prev, it->next,
		    e);
	/* The very file that the snapshot before has. */
	if (it->same && it->prev != NULL && meta_holds(&it->prev->m, it->st))
		return settle(mk, it->dir, it->name, &it->prev->m, it->prev,
		    it->next, e);
	if (S_ISREG(it->st->st_mode))
		return regular(mk, it, e);
	if (meta_read(it->dirfd, it->name, root ? it->dirfd : -1, it->st,
	    mk->scratch, &m, &content, &why) == -1) {
		problem(mk, it->dir, it->name, why.msg);
		meta_plain(it->st, &m);
	}
	return settle(mk, it->dir, it->name, &m, it->prev, it->next, e);
}

static int
folder_done(void *arg, struct err *e)
{
	struct make *mk = arg;

	mk->stats.rows = mk->rows.added;
	return mk->o->progress == NULL ? 0 :
	    mk->o->progress(mk->o->arg, &mk->stats, e);
}

static int
unreadable(void *arg, const char *path, const char *why, struct err *e)
{
	struct make *mk = arg;

	mk->stats.unreadable++;
	if (mk->o->problem != NULL)
		mk->o->problem(mk->o->arg, path, why);
	return 1;
}

/* Its tree, or -1. */
static int
open_twin(const struct make *mk)
{
	const struct catalog_snap *prev = catalog_by_id(mk->cat,
	    mk->rows.prev);

	return prev == NULL || mk->o->client == -1 ? -1 :
	    openat(mk->o->client, prev->name, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC);
}

/* A tree.inside */
static bool
inside(void *arg, const char *path)
{
	struct make *mk = arg;

	return !mk->part || changes_below(mk->o->changes, path);
}

static int
begin_part(struct make *mk, struct err *e)
{
	const struct catalog_snap *prev = catalog_by_id(mk->cat,
	    mk->rows.prev);
	int more = 0;

	if (mk->o->changes == NULL || prev == NULL || mk->rows.next != 0 ||
	    strcmp(prev->name, mk->o->since) != 0)
		return 0;
	/* What could not be read then is tried again. */
	more = manifest_rows_unread(&mk->rows, e);
	mk->part = more == 0;
	if (mk->part) {
		mk->stats.files = prev->files;
		mk->stats.bytes = prev->bytes;
	}
	return more == -1 ? -1 : 0;
}

static int
record(struct make *mk, struct err *e)
{
	const struct catalog_snap snap = { .id = mk->rows.id,
		.made = mk->o->now, .files = mk->stats.files,
		.bytes = mk->stats.bytes };

	return catalog_add(mk->cat, &snap, mk->o->name, e);
}

/* All within the transaction. */
static int
fill(struct make *mk, struct err *e)
{
	struct tree t = { .cat = mk->cat, .root = mk->o->root, .make = true,
		.one = one, .inside = inside, .folder = folder_done,
		.unreadable = unreadable,
		.arg = mk };
	int rc = -1;

	if (catalog_id(mk->cat, mk->o->name, &mk->rows.id, e) == -1)
		return -1;
	catalog_around(mk->cat, mk->rows.id, &mk->rows.prev, &mk->rows.next);
	t.prev = mk->rows.prev;
	t.next = mk->rows.next;
	t.twin = open_twin(mk);
	if (manifest_rows_init(&mk->rows, e) == 0 && begin_part(mk, e) == 0 &&
	    tree_run(&t, e) == 0 && hash_pool_drain(mk->pool, e) == 0) {
		mk->stats.rows = mk->rows.added;
		rc = record(mk, e);
	}
	manifest_rows_clear(&mk->rows);
	if (t.twin != -1)
		close(t.twin);
	return rc;
}

static int
start(struct make *mk, struct err *e)
{
	mk->scratch = malloc(META_SCRATCH);
	if (mk->scratch == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	if (hash_pool_new(mk->o->threads, sizeof(struct waiting), hashed, mk,
	    &mk->pool, e) == -1)
		return -1;
	hash_pool_stop(mk->pool, mk->o->stop);
	mk->links.cat = mk->cat;
	if (links_init(&mk->links, e) == -1 ||
	    catalog_prepare(mk->cat, "SELECT path FROM dir WHERE id=?1",
	    &mk->path_of, e) == -1)
		return -1;
	return catalog_exec(mk->cat, "BEGIN IMMEDIATE", e);
}

int
manifest_make(struct catalog *c, const struct manifest_opts *o,
    struct manifest_stats *ret, struct err *e)
{
	struct make mk = { .cat = c, .o = o, .rows = { .cat = c,
		.now = o->now } };
	int rc = -1;

	if (catalog_snap(c, o->name) != NULL)
		return err_set(e, ERR_CONFIG, "%s: has a manifest", o->name);
	if (start(&mk, e) == 0)
		rc = catalog_commit(c, fill(&mk, e), e);
	hash_pool_free(mk.pool);
	free(mk.scratch);
	sqlite3_finalize(mk.path_of);
	links_clear(&mk.links);
	if (rc == 0)
		*ret = mk.stats;
	return rc;
}
