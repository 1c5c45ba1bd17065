/* SPDX-License-Identifier: ISC */
#include "cage_bind.h"

#include <string.h>

#include "danger.h"

static const char database[] = "database";

/* What is collected, and what for. */
struct work {
	const struct cage_input *in;
	const char *sysdir;
	struct cage_bind *b;
	struct strv rw;		/* all that is written, also in another */
	struct strv *notes;
};

static int
nomem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

static int
add_once(struct strv *to, const char *path, struct err *e)
{
	if (strv_has(to, path))
		return 0;
	return strv_add(to, path) == 0 ? 0 : nomem(e);
}

static int
add_need(struct work *w, const char *kind, const char *path, struct err *e)
{
	return strv_addf(&w->b->needs, "%s %s", kind, path) == 0 ? 0 :
	    nomem(e);
}

static int
bind_ro(struct work *w, const char *path, struct err *e)
{
	if (strv_has(&w->b->ro, path))
		return 0;
	return strv_add(&w->b->ro, path) == 0 ? add_need(w, "ro", path, e) :
	    nomem(e);
}

/*
 * A mount on top of what lies in a writable folder stays there, but a folder
 * between the two may be renamed: the next connection's cage is built on what
 * was put in its place.
 */
static int
check_depth(const struct strv *covered, const char *path,
	const struct cfg_at *at, const char *what, struct err *e)
{
	size_t i;

	for (i = 0; covered != NULL && i < covered->n; i++)
		if (danger_deeper(covered->v[i], path))
			return err_set(e, ERR_CONFIG, "%s:%u: %s %s holds %s "
			    "in a folder that the daemon can rename: no cage "
			    "can hold that; move it out of %s", at->file,
			    at->line, what, path, covered->v[i], path);
	return 0;
}

/* A path that is bound writable must not give the host away. */
static int
bind_rw(struct work *w, const char *path, const struct cfg_at *at,
	const char *what, struct err *e)
{
	const struct strv *roots = w->in->roots, *ro = &w->b->ro;
	const struct danger *d = danger_root(path);
	size_t i;

	if (!danger_plain(path))
		return err_set(e, ERR_CONFIG, "%s:%u: %s '%s' is not a plain "
		    "absolute path", at->file, at->line, what, path);
	if (d != NULL)
		return err_set(e, ERR_CONFIG, "%s:%u: %s %s reaches %s (%s): "
		    "no cage can hold that; take it out of the group, or make "
		    "it a privileged one", at->file, at->line, what, path,
		    d->path, d->what);
	for (i = 0; roots != NULL && i < roots->n; i++)
		if (danger_inside(path, roots->v[i]))
			return err_set(e, ERR_CONFIG, "%s:%u: %s %s lies in "
			    "%s, which a privileged group carries: no cage "
			    "can hold that", at->file, at->line, what, path,
			    roots->v[i]);
	if (danger_inside(w->sysdir, path))
		return err_set(e, ERR_CONFIG, "%s:%u: %s %s covers csync2's "
		    "own configuration in %s: no cage can hold that", at->file,
		    at->line, what, path, w->sysdir);
	/*
	 * A key may lie in the database's folder: its own read-only mount
	 * stays in the way there. A group that covers it would carry it off.
	 */
	for (i = 0; i < ro->n && strcmp(what, database) != 0; i++)
		if (danger_inside(ro->v[i], path))
			return err_set(e, ERR_CONFIG, "%s:%u: %s %s covers "
			    "%s, which csync2 trusts: no cage can hold that",
			    at->file, at->line, what, path, ro->v[i]);
	if (check_depth(ro, path, at, what, e) == -1 ||
	    check_depth(w->in->fifos, path, at, what, e) == -1 ||
	    check_depth(roots, path, at, what, e) == -1)
		return -1;
	if (strv_has(&w->rw, path))
		return 0;
	return strv_add(&w->rw, path) == 0 ? add_need(w, "rw", path, e) :
	    nomem(e);
}

/* The first pattern of g that yields something below root, for its place. */
static const struct cfg_at *
pattern_at(const struct cfg *c, const struct cfg_group *g, const char *self,
	const char *root)
{
	const struct cfg_at *at = &g->at;
	struct err ignored;
	struct buf b;
	size_t i;

	buf_init(&b, 8192);
	for (i = 0; i < g->npatterns; i++) {
		if (g->patterns[i].kind == CFG_EXCLUDE)
			continue;
		buf_clear(&b);
		if (cfg_expand(c, g->patterns[i].text, self, &b,
		    &ignored) == 0 && danger_inside(b.data, root)) {
			at = &g->patterns[i].at;
			break;
		}
	}
	buf_clear(&b);
	return at;
}

static int
note_actions(struct work *w, const struct cfg_group *g, struct err *e)
{
	size_t i;

	for (i = 0; w->notes != NULL && i < g->nactions; i++)
		if (strv_addf(w->notes, "%s:%u: this action runs inside the "
		    "cage when a peer triggers it: it can't restart a service "
		    "or write outside the groups", g->actions[i].at.file,
		    g->actions[i].at.line) == -1)
			return nomem(e);
	return 0;
}

static int
add_group(struct work *w, const struct cfg *c, const struct cfg_group *g,
	struct err *e)
{
	struct strv roots = { 0 };
	const char *self = w->in->self;
	int rc = -1;
	size_t i;

	if (cfg_self(g, self) == NULL)
		return 0;
	if (cfg_roots(c, g, self, &roots, e) == -1)
		goto out;
	for (i = 0; i < roots.n; i++)
		if (bind_rw(w, roots.v[i], pattern_at(c, g, self, roots.v[i]),
		    "group path", e) == -1)
			goto out;
	if (g->backup_dir != NULL &&
	    bind_rw(w, g->backup_dir, &g->at, "backup-directory", e) == -1)
		goto out;
	rc = note_actions(w, g, e);
out:
	strv_clear(&roots);
	return rc;
}

/* csync2 reads the key of each group, of those too where we are no host. */
static int
add_key(struct work *w, const struct cfg_group *g, struct err *e)
{
	struct buf path;
	int rc = -1;

	if (g->key == NULL)
		return 0;
	buf_init(&path, 8192);
	if (cfg_key_path(g, w->sysdir, &path, e) == -1)
		goto out;
	if (w->in->fifos != NULL && strv_has(w->in->fifos, path.data)) {
		err_set(e, ERR_CONFIG, "%s:%u: group %s has the FIFO %s as its "
		    "key, and the daemon in the cage must not see it: move "
		    "the group to a file of its own, csync2_NAME.cfg",
		    g->key_at.file, g->key_at.line, g->name, path.data);
		goto out;
	}
	rc = bind_ro(w, path.data, e);
out:
	buf_clear(&path);
	return rc;
}

static int
add_database(struct work *w, const struct cfg *c, struct err *e)
{
	const struct cfg_at at = { c->files.n > 0 ? c->files.v[0] : "", 1 };
	struct buf dir;
	bool file;
	int rc = -1;

	buf_init(&dir, 8192);
	if (cfg_database_folder(c, &dir, &file, e) == -1 ||
	    bind_rw(w, dir.data, &at, database, e) == -1)
		goto out;
	/* A folder of that name would be one too few: csync2 looks. */
	rc = file ? add_need(w, "file", cfg_database(c), e) : 0;
out:
	buf_clear(&dir);
	return rc;
}

static int
add_files(struct work *w, const struct cfg *c, struct err *e)
{
	size_t i;

	for (i = 0; i < c->files.n; i++) {
		if (c->files.v[i][0] != '/')
			return err_set(e, ERR_CONFIG, "the configuration file "
			    "'%s' is named by a relative path, which the "
			    "daemon looks for elsewhere", c->files.v[i]);
		if (bind_ro(w, c->files.v[i], e) == -1 ||
		    add_once(&w->b->from, c->files.v[i], e) == -1)
			return -1;
	}
	for (i = 0; i < c->ngroups; i++)
		if (add_key(w, &c->groups[i], e) == -1)
			return -1;
	return 0;
}

static int
add_cfg(struct work *w, const struct cfg *c, struct err *e)
{
	struct cfg_at at = { c->files.n > 0 ? c->files.v[0] : "", 1 };
	size_t i;

	if (add_database(w, c, e) == -1)
		return -1;
	for (i = 0; i < c->ngroups; i++)
		if (add_group(w, c, &c->groups[i], e) == -1)
			return -1;
	/* PrivateTmp= makes these two, and a bind would give the host's. */
	if (c->tempdir != NULL && !danger_inside(c->tempdir, "/tmp") &&
	    !danger_inside(c->tempdir, "/var/tmp") &&
	    bind_rw(w, c->tempdir, &at, "tempdir", e) == -1)
		return -1;
	return 0;
}

/* Those of w->rw that lie in no other one. A bind inside a writable one would
 * follow whatever was put there since. */
static int
outermost(struct work *w, struct err *e)
{
	const struct strv *p = &w->rw;
	size_t i, j;

	for (i = 0; i < p->n; i++) {
		for (j = 0; j < p->n; j++)
			/* "/a" and "/a/" lie in each other: one. */
			if (danger_inside(p->v[i], p->v[j]) && (j < i ||
			    !danger_inside(p->v[j], p->v[i])))
				break;
		if (j == p->n && add_once(&w->b->rw, p->v[i], e) == -1)
			return -1;
	}
	return 0;
}

/* Those of paths that a bound folder holds. */
static int
add_hidden(struct work *w, const struct strv *paths, struct err *e)
{
	const struct strv *rw = &w->b->rw;
	size_t i, j;
	bool held;

	for (i = 0; paths != NULL && i < paths->n; i++) {
		held = danger_system(paths->v[i]);
		for (j = 0; j < rw->n; j++)
			held = held || danger_inside(paths->v[i], rw->v[j]);
		if (held && add_once(&w->b->hide, paths->v[i], e) == -1)
			return -1;
	}
	return 0;
}

int
cage_bind_make(const struct cage_input *in, struct cage_bind *ret,
	struct strv *notes, struct err *e)
{
	struct work w = { .in = in, .b = ret, .notes = notes,
		.sysdir = in->sysdir != NULL ? in->sysdir : "/etc" };
	int rc = -1;
	size_t i;

	/* All that is trusted first: no group path may cover it. */
	for (i = 0; i < in->ncfgs; i++)
		if (add_files(&w, in->cfgs[i], e) == -1)
			goto out;
	/* None where the configuration has nossl for all. */
	if (strv_addf(&ret->maybe, "%s/csync2_ssl_cert.pem", w.sysdir) == -1 ||
	    strv_addf(&ret->maybe, "%s/csync2_ssl_key.pem", w.sysdir) == -1) {
		nomem(e);
		goto out;
	}
	for (i = 0; i < in->ncfgs; i++)
		if (add_cfg(&w, in->cfgs[i], e) == -1)
			goto out;
	if (outermost(&w, e) == 0 && add_hidden(&w, in->fifos, e) == 0)
		rc = add_hidden(&w, in->roots, e);
out:
	strv_clear(&w.rw);
	return rc;
}

void
cage_bind_clear(struct cage_bind *b)
{
	strv_clear(&b->from);
	strv_clear(&b->ro);
	strv_clear(&b->maybe);
	strv_clear(&b->rw);
	strv_clear(&b->hide);
	strv_clear(&b->needs);
}
