/* SPDX-License-Identifier: ISC */
/* prune: what retention no longer keeps goes, and why the rest stays. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "index.h"
#include "owner.h"
#include "prune.h"
#include "retain.h"
#include "say.h"
#include "size.h"
#include "ui/emit.h"
#include "ui/log.h"

/* `status` asks whether somebody has a client's lock by taking it for a moment
 * (state.c); another's run may, too, for as long as one snapshot takes. */
#define LOCK_MS 5000

struct what {
	struct table table;
	size_t gone;
};

/* What becomes of a snapshot: "goes", "removed", "stays". */
static const char *
fate(const struct history_snap *s, bool dry, const struct strv *removed)
{
	if (s->why != 0)
		return "stays";
	if (dry)
		return "goes";
	return strv_has(removed, s->name) ? "removed" : "stays";
}

static int
say(struct owner *w, const struct history_snap *s, const struct strv *removed,
    struct err *e)
{
	struct what *what = w->arg;
	const char *now = fate(s, w->o->dry_run, removed);
	char made[SIZE_TIME];
	const char *cells[] = { s->name, made, now, NULL };
	struct buf why;
	struct emit j;
	int rc = 0;

	buf_init(&why, 256);
	if (s->why != 0)
		rc = retain_why(s->why, &why);
	else if (strcmp(now, "stays") == 0)
		rc = buf_adds(&why, "read or pinned meanwhile");
	else
		rc = buf_adds(&why, w->o->job != NULL ? "of that job" :
		    "no rule keeps it");
	if (rc == -1) {
		buf_clear(&why);
		return err_set(e, ERR_MEM, "out of memory");
	}
	what->gone += strcmp(now, "stays") != 0;
	if (w->o->json) {
		emit_begin(&j);
		emit_str(&j, "snapshot", s->name);
		emit_str(&j, "client", w->client.name);
		emit_num(&j, "time", s->time_s);
		emit_str(&j, "fate", now);
		emit_str(&j, "why", why.data);
		rc = say_json(emit_end(&j, stdout), e);
	} else if (!w->o->quiet) {
		size_time(s->time_s, made);
		cells[3] = why.data;
		table_row(&what->table, cells);
	}
	buf_clear(&why);
	return rc;
}

/* The catalogue has them no more; if that fails, the next run sees to it. */
static void
forget(const struct store_client *c, const struct strv *removed)
{
	struct catalog cat = { 0 };
	struct err why = ERR_INIT;
	size_t i;
	int rc;

	if (removed->n == 0 ||
	    faccessat(c->admin_fd, "catalog.db", F_OK, 0) == -1)
		return;
	rc = index_open(c, true, &cat, &why);
	for (i = 0; rc == 0 && i < removed->n; i++)
		rc = catalog_remove(&cat, removed->v[i], &why);
	if (rc == -1)
		log_warn("%s: the catalogue: %s", c->name, why.msg);
	catalog_close(&cat);
}

static int
one_client(void *arg, struct store_client *c, struct err *e)
{
	struct owner *w = arg;
	struct strv removed = { 0 };
	struct history h = { 0 };
	struct err why = ERR_INIT;
	size_t i;
	int rc = 0;

	/* Who only looks needs no lock. */
	if (!w->o->dry_run && store_client_lock(c, LOCK_MS, e) == -1)
		return -1;
	if (history_read(c, &h, e) == -1 || prune_mark(c, &h, &w->policy,
	    w->o->job, e) == -1) {
		history_clear(&h);
		return -1;
	}
	if (!w->o->dry_run) {
		rc = prune_client(c, &w->policy, w->o->job, false, &removed,
		    &why);
		forget(c, &removed);
	}
	for (i = h.n; i-- > 0;)
		if ((h.v[i].why & RETAIN_OTHER_JOB) == 0 &&
		    say(w, &h.v[i], &removed, e) == -1)
			break;
	strv_clear(&removed);
	history_clear(&h);
	if (rc == -1)
		*e = why;
	return rc == -1 || i != (size_t)-1 ? -1 : 0;
}

int
backup_prune(struct backup_opts *o, struct err *e)
{
	static const struct table_col cols[] = {
		{ "SNAPSHOT", false, true }, { "MADE", false, false },
		{ "", false, false }, { "WHY", false, true },
	};
	struct what what = { .gone = 0 };
	struct owner w = { .o = o, .arg = &what };
	int rc = -1;

	if (o->job != NULL && (o->client != NULL) + o->args.n != 1)
		return err_set(e, ERR_USAGE, "prune: --job takes one CLIENT, "
		    "whose job it is");
	table_init(&what.table, cols, sizeof(cols) / sizeof(cols[0]));
	if (owner_open(&w, e) == 0)
		rc = owner_each(&w, one_client, e);
	if (what.table.cells.n > 0 && say_table(&what.table, e) == -1)
		rc = -1;
	if (rc != -1 && !o->json && !o->quiet)
		log_info("%zu %s", what.gone, o->dry_run ? "would go" :
		    "removed");
	table_clear(&what.table);
	owner_close(&w);
	return rc;
}
