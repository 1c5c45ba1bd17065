/* SPDX-License-Identifier: ISC */
#include "search.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "query.h"
#include "store_list.h"

struct search {
	const struct search_opts *o;
	uint64_t rows;
	bool more;
};

static int
on_manifest(void *arg, const char *snapshot,
    const struct manifest_stats *sofar, struct err *e)
{
	const struct search_opts *o = arg;
	struct reply p = { .files = sofar->files,
		.bytes = sofar->hashed_bytes };

	snprintf(p.phase, sizeof(p.phase), "manifest");
	snprintf(p.snapshot, sizeof(p.snapshot), "%s", snapshot);
	o->progress(o->arg, &p);
	return 0;
}

/* How many snapshots the catalogue has nothing of. */
static int
missing(const struct store_client *c, const struct catalog *cat,
    size_t *ret, struct err *e)
{
	struct store_list list = { 0 };
	size_t i, n = 0;

	if (store_list_read(c, &list, e) == -1)
		return -1;
	for (i = 0; i < list.n; i++)
		n += catalog_snap(cat, list.snaps[i].name) == NULL;
	store_list_clear(&list);
	*ret = n;
	return 0;
}

int
search_ready(const struct store_client *c, const struct search_opts *o,
    bool anew, struct catalog *ret, size_t *ret_missing, bool *ret_rebuilt,
    struct err *e)
{
	const struct index_opts io = { .anew = anew, .stop = o->stop,
		.progress = on_manifest, .arg = (void *)o };
	struct index_state st = { .made = 0 };

	*ret = (struct catalog){ 0 };
	*ret_missing = 0;
	if (index_sync(c, &io, &st, e) == -1)
		return -1;
	*ret_rebuilt = st.rebuilt;
	if (index_open(c, false, ret, e) == -1)
		return -1;
	return st.busy ? missing(c, ret, ret_missing, e) : 0;
}

static int
on_file(void *arg, const struct query_file *q, struct err *e)
{
	struct search *s = arg;
	const struct hits_file f = { .path = q->path, .first = q->first->name,
		.last = q->last->name, .mode = q->m->mode, .uid = q->m->uid,
		.gid = q->m->gid, .size = q->m->size,
		.mtime_ns = q->m->mtime_ns };

	if (s->o->stop != NULL && atomic_load(s->o->stop))
		return err_set(e, ERR_REFUSED, "interrupted");
	if (s->o->max > 0 && s->rows >= s->o->max) {
		s->more = true;
		return 1;
	}
	s->rows++;
	return s->o->found(s->o->arg, &f, e);
}

static int
ask(struct search *s, struct catalog *cat, struct err *e)
{
	const struct search_opts *o = s->o;

	if (o->match == NULL || strcmp(o->match, "glob") == 0)
		return query_find(cat, o->pattern, o->snapshot, on_file, s, e);
	return query_path(cat, o->pattern, strcmp(o->match, "prefix") == 0,
	    o->snapshot, on_file, s, e);
}

int
search_client(const struct store_client *c, const struct search_opts *o,
    struct reply *ret, struct err *e)
{
	struct search s = { .o = o };
	struct err why = ERR_INIT;
	struct catalog cat = { 0 };
	bool rebuilt = false, again;
	size_t left = 0;
	int rc;

	rc = search_ready(c, o, false, &cat, &left, &rebuilt, &why);
	if (rc == 0)
		rc = ask(&s, &cat, &why);
	again = rc == -1 && cat.damaged && !rebuilt;
	catalog_close(&cat);
	if (again) {
		why = (struct err)ERR_INIT;
		rc = search_ready(c, o, true, &cat, &left, &rebuilt, &why);
		if (rc == 0 && s.rows > 0)
			rc = err_set(&why, ERR_BUSY, "the catalogue was "
			    "damaged, and has been made again: ask once more");
		else if (rc == 0)
			rc = ask(&s, &cat, &why);
		catalog_close(&cat);
	}
	if (rc == -1) {
		if (e != NULL)
			*e = why;
		return -1;
	}
	*ret = (struct reply){ .files = s.rows };
	if (s.more)
		snprintf(ret->why, sizeof(ret->why), "only the first %" PRIu64
		    " are shown", s.rows);
	else if (left > 0)
		snprintf(ret->why, sizeof(ret->why), "of %zu snapshots the "
		    "manifest is being made", left);
	ret->status = ret->why[0] != '\0' ? 2 : 0;
	if (rebuilt && ret->status == 0)
		snprintf(ret->why, sizeof(ret->why), "the catalogue was "
		    "damaged, and has been made again");
	return 0;
}
