/* SPDX-License-Identifier: ISC */
/* diff and du: what the catalogue says of snapshots, for the store's owner. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "owner.h"
#include "plain.h"
#include "query.h"
#include "say.h"
#include "search.h"
#include "size.h"
#include "store_weigh.h"
#include "tell.h"
#include "ui/emit.h"
#include "ui/log.h"

struct look {
	struct backup_opts *o;
	struct tell *tell;
	const char *below;		/* diff: NULL all */
	uint64_t added, removed, changed;
	struct catalog cat;
	bool said;			/* something was printed */
	struct query_size size;		/* du: of the snapshot at hand */
	struct table table;
};

static void
on_progress(void *arg, const struct reply *p)
{
	struct look *l = arg;

	if (!l->o->json)
		tell_progress(l->tell, l->o->name, p);
}

/*
 * fn asks l->cat; when that turns out to be damaged, and nothing was said yet,
 * once more of one that was made again.
 */
static int
with_catalog(struct look *l, const struct store_client *c,
    int (*fn)(struct look *l, const struct store_client *c, struct err *e),
    struct err *e)
{
	const struct search_opts o = { .progress = on_progress, .arg = l };
	struct err why = ERR_INIT;
	bool rebuilt = false, again;
	size_t missing = 0;
	int rc;

	rc = search_ready(c, &o, false, &l->cat, &missing, &rebuilt, &why);
	if (rc == 0)
		rc = fn(l, c, &why);
	again = rc == -1 && l->cat.damaged && !rebuilt;
	catalog_close(&l->cat);
	if (again) {
		why = (struct err)ERR_INIT;
		rc = search_ready(c, &o, true, &l->cat, &missing, &rebuilt,
		    &why);
		if (rc == 0)
			rc = l->said ? err_set(&why, ERR_BUSY, "the catalogue "
			    "was damaged, and has been made again: ask once "
			    "more") : fn(l, c, &why);
		catalog_close(&l->cat);
	}
	if (rebuilt)
		log_warn("%s: the catalogue was damaged, and has been made "
		    "again", c->name);
	if (missing > 0)
		log_warn("%s: of %zu snapshots the manifest is being made",
		    c->name, missing);
	if (rc == -1) {
		*e = why;
		return -1;
	}
	return missing > 0 && rc == 0 ? 2 : rc;
}

/* --- diff --- */

static int
on_change(void *arg, const struct query_change *c, struct err *e)
{
	struct look *l = arg;

	if (l->below != NULL && !plain_below(c->path, l->below))
		return 0;
	l->said = true;
	if (c->a == NULL)
		l->added++;
	else if (c->b == NULL)
		l->removed++;
	else
		l->changed++;
	return tell_change(l->tell, c, e);
}

static int
ask_diff(struct look *l, const struct store_client *c, struct err *e)
{
	return query_diff(&l->cat, l->o->args.v[0], l->o->args.v[1],
	    on_change, l, e);
}

static int
diff(struct look *l, struct owner *w, struct err *e)
{
	struct backup_opts *o = l->o;
	int rc, i;

	if (owner_open(w, e) == -1 || owner_snapshot(w, o->args.v[0], e) == -1)
		return -1;
	for (i = 0; i < 2; i++)
		if (store_snapshot_ok(&w->client, o->args.v[i], e) == -1) {
			e->code = ERR_USAGE;
			return -1;
		}
	rc = with_catalog(l, &w->client, ask_diff, e);
	if (rc != -1 && !o->json && !o->quiet)
		printf("%" PRIu64 " added, %" PRIu64 " removed, %" PRIu64
		    " changed\n", l->added, l->removed, l->changed);
	return rc;
}

int
backup_diff(struct backup_opts *o, struct err *e)
{
	struct look l = { .o = o };
	struct owner w = { .o = o, .arg = &l };
	int rc;

	if (o->args.n > 2) {
		l.below = o->args.v[2];
		if (plain_why(l.below) != NULL)
			return err_set(e, ERR_USAGE, "diff: the path %s",
			    plain_why(l.below));
	}
	l.tell = tell_new(o, e);
	if (l.tell == NULL)
		return -1;
	rc = diff(&l, &w, e);
	tell_free(l.tell);
	owner_close(&w);
	return rc;
}

/* --- du --- */

static int
on_folder(void *arg, const struct query_size *s, struct err *e)
{
	struct look *l = arg;

	l->said = true;
	return tell_folder(l->tell, s, e);
}

static int
ask_folders(struct look *l, const struct store_client *c, struct err *e)
{
	return query_du(&l->cat, l->o->args.v[0], (unsigned)l->o->depth,
	    on_folder, l, e);
}

static int
on_whole(void *arg, const struct query_size *s, struct err *e)
{
	((struct look *)arg)->size = *s;
	return 0;
}

static int
say_whole(struct look *l, const char *name, struct err *e)
{
	char all[SIZE_TEXT], own[SIZE_TEXT], files[24];
	const char *cells[] = { name, all, own, files };
	struct emit j;

	if (l->o->json) {
		l->said = true;
		emit_begin(&j);
		emit_str(&j, "snapshot", name);
		emit_num(&j, "files", (int64_t)l->size.files);
		emit_num(&j, "bytes", (int64_t)l->size.bytes);
		emit_num(&j, "own_bytes", (int64_t)l->size.own_bytes);
		return say_json(emit_end(&j, stdout), e);
	}
	size_text(l->size.bytes, all);
	size_text(l->size.own_bytes, own);
	snprintf(files, sizeof(files), "%" PRIu64, l->size.files);
	table_row(&l->table, cells);
	return 0;
}

static int
ask_wholes(struct look *l, const struct store_client *c, struct err *e)
{
	size_t i;

	for (i = 0; i < l->cat.n; i++)
		if (query_du(&l->cat, l->cat.snaps[i].name, 0, on_whole, l,
		    e) == -1 || say_whole(l, l->cat.snaps[i].name, e) == -1)
			return -1;
	return 0;
}

/* What no snapshot has: a run that goes on, or one that was given up. */
static int
say_left(struct look *l, const struct store_client *c, struct err *e)
{
	char all[SIZE_TEXT], name[STORE_NAME_MAX + sizeof(STORE_INCOMING) + 16];
	const char *cells[] = { name, all, all, "" };
	struct store_weight w = { 0 };
	struct emit j;
	int rc = store_weigh_left(c, &w, e);

	if (rc != 1)
		return rc;
	if (l->o->json) {
		emit_begin(&j);
		emit_str(&j, "client", c->name);
		emit_bool(&j, "unfinished", true);
		emit_num(&j, "bytes", (int64_t)w.bytes);
		return say_json(emit_end(&j, stdout), e);
	}
	size_text(w.bytes, all);
	snprintf(name, sizeof(name), "%s/" STORE_INCOMING " (unfinished)",
	    c->name);
	table_row(&l->table, cells);
	return 0;
}

static int
one_client(void *arg, struct store_client *c, struct err *e)
{
	struct owner *w = arg;
	int rc = with_catalog(w->arg, c, ask_wholes, e);

	return rc == -1 || say_left(w->arg, c, e) == -1 ? -1 : rc;
}

static int
du(struct look *l, struct owner *w, struct err *e)
{
	struct backup_opts *o = l->o;
	struct snapname n;

	if (owner_open(w, e) == -1)
		return -1;
	/* No client can be called as a snapshot is. */
	if (o->args.n == 0 || snapname_parse(o->args.v[0], &n, NULL) == -1)
		return owner_each(w, one_client, e);
	if (o->args.n > 1)
		return err_set(e, ERR_USAGE, "du: one snapshot at a time");
	if (owner_snapshot(w, o->args.v[0], e) == -1)
		return -1;
	return with_catalog(l, &w->client, ask_folders, e);
}

int
backup_du(struct backup_opts *o, struct err *e)
{
	static const struct table_col cols[] = {
		{ "SNAPSHOT", false, true }, { "SIZE", true, false },
		{ "ALONE", true, false }, { "FILES", true, false },
	};
	struct look l = { .o = o };
	struct owner w = { .o = o, .arg = &l };
	struct err why = ERR_INIT;
	int rc;

	l.tell = tell_new(o, e);
	if (l.tell == NULL)
		return -1;
	table_init(&l.table, cols, sizeof(cols) / sizeof(cols[0]));
	rc = du(&l, &w, e);
	tell_free(l.tell);
	if (rc != -1 && l.table.cells.n > 0 &&
	    say_table(&l.table, &why) == -1) {
		*e = why;
		rc = -1;
	}
	table_clear(&l.table);
	owner_close(&w);
	return rc;
}
