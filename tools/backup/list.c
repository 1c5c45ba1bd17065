/* SPDX-License-Identifier: ISC */
/* list: snapshots, or what is in a folder of one: in the store, or asked for
 * over ssh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "backup.h"
#include "folder.h"
#include "owner.h"
#include "plain.h"
#include "proc/msg.h"
#include "say.h"
#include "ui/log.h"

struct list {
	bool json, raw;
	struct table table;
	size_t n;		/* rows */
};

static int
on_snap(void *arg, const struct history_snap *s, struct err *e)
{
	struct list *l = arg;

	if (l->n++ >= STORE_LIST_MAX)
		return err_set(e, ERR_PEER, "the store goes on for ever");
	if (l->json)
		return say_snap_json(s, e);
	say_snap(&l->table, s);
	return 0;
}

static int
on_entry(void *arg, const struct rows_entry *r, struct err *e)
{
	struct list *l = arg;

	l->n++;
	return l->json ? say_entry_json(r, e) : say_entry(r, l->raw, e);
}

static const struct rows_calls snap_calls = { on_snap, NULL };
static const struct rows_calls entry_calls = { NULL, on_entry };

static int
on_snaps(void *arg, const char *data, size_t len, struct err *e)
{
	return rows_parse(data, len, &snap_calls, arg, e);
}

static int
on_entries(void *arg, const char *data, size_t len, struct err *e)
{
	return rows_parse(data, len, &entry_calls, arg, e);
}

static int
from_client(struct backup_opts *o, struct list *l, struct err *e)
{
	struct request q = { .op = REQUEST_LIST };
	struct reply r = { 0 };
	struct settings_job *j = ask_job(o, e);
	char *path = o->args.n > 1 ? o->args.v[1] : (char *)"/";

	if (j == NULL)
		return -1;
	if (o->args.n > 2)
		return err_set(e, ERR_USAGE, "list: too many operands "
		    "(SNAPSHOT and PATH are what it takes)");
	/* Borrowed: never request_clear()ed. */
	if (o->args.n > 0) {
		q.snapshot = o->args.v[0];
		q.paths = (struct strv){ .v = &path, .n = 1 };
	}
	if (ask_store(j, &q, o->args.n > 0 ? on_entries : on_snaps, l, &r,
	    e) == -1)
		return -1;
	if (r.status != 0)
		log_warn("%s: %s", j->destination, r.why);
	return (int)r.status;
}

/* The snapshots of a client, the oldest first: the newest stands beside the
 * prompt. */
static int
one_client(void *arg, struct store_client *c, struct err *e)
{
	struct owner *w = arg;
	struct list *l = w->arg;
	struct history h = { 0 };
	size_t i;
	int rc = 0;

	if (history_read(c, &h, e) == -1)
		return -1;
	if (h.stray_n > 0 && !w->o->quiet)
		log_warn("%s: %zu names in it are no snapshots", c->path,
		    h.stray_n);
	for (i = h.n; i-- > 0 && rc == 0;)
		rc = on_snap(l, &h.v[i], e);
	l->n = 0;
	history_clear(&h);
	return rc;
}

static int
in_snapshot(struct owner *w, struct list *l, const char *path, struct err *e)
{
	struct folder f;
	struct buf b;
	int rc = -1, more = 1;

	if (plain_why(path) != NULL)
		return err_set(e, ERR_USAGE, "list: the path %s",
		    plain_why(path));
	if (folder_open(&w->client, w->o->args.v[0], path, &f, e) == -1)
		return -1;
	buf_init(&b, MSG_MAX);
	for (rc = 0; rc == 0 && more; buf_clear(&b)) {
		more = folder_rows(&f, &b);
		rc = on_entries(l, b.data, b.len, e);
	}
	if (rc == 0 && f.cut) {
		log_warn("%s: only %u entries of it are listed", path,
		    FOLDER_MAX);
		rc = 2;
	}
	folder_close(&f);
	return rc;
}

static int
from_store(struct backup_opts *o, struct list *l, struct err *e)
{
	struct owner w = { .o = o, .arg = l };
	struct snapname n;
	int rc;

	/* No client can be called as a snapshot is. */
	if (o->args.n > 0 && snapname_parse(o->args.v[0], &n, NULL) == 0) {
		if (o->args.n > 2)
			return err_set(e, ERR_USAGE, "list: too many "
			    "operands");
		if (owner_open(&w, e) == -1)
			return -1;
		rc = owner_snapshot(&w, o->args.v[0], e);
		if (rc == 0)
			rc = in_snapshot(&w, l, o->args.n > 1 ?
			    o->args.v[1] : "/", e);
	} else {
		if (owner_open(&w, e) == -1)
			return -1;
		rc = owner_each(&w, one_client, e);
	}
	owner_close(&w);
	return rc;
}

int
backup_list(struct backup_opts *o, struct err *e)
{
	struct list l = { .json = o->json, .raw = !isatty(1) };
	struct err why = ERR_INIT;
	int rc;

	say_snap_head(&l.table);
	rc = o->side == SIDE_STORE ? from_store(o, &l, e) :
	    from_client(o, &l, e);
	if (rc != -1 && !l.json && l.table.cells.n > 0 &&
	    say_table(&l.table, &why) == -1) {
		*e = why;
		rc = -1;
	}
	table_clear(&l.table);
	return rc;
}
