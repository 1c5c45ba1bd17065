/* SPDX-License-Identifier: ISC */
/* status: how the clients stand: as a table, as JSON, as metrics, as a page. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "owner.h"
#include "page.h"
#include "prom.h"
#include "say.h"
#include "silent.h"
#include "size.h"
#include "state.h"
#include "store_evict.h"
#include "sys/file.h"
#include "ui/emit.h"
#include "ui/log.h"

#define ALARM_MAX	4096
#define ATTENTION	2	/* exit status: somebody should look */

struct status {
	struct owner own;
	struct state *v;		/* owned */
	size_t n;
	int64_t now_s;
};

static int
read_all(struct status *s, struct err *e)
{
	struct strv names = { 0 };
	int rc = -1;
	size_t i;

	if (owner_names(&s->own, &names, e) == -1)
		goto out;
	s->v = calloc(names.n + 1, sizeof(*s->v));
	if (s->v == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	for (i = 0; i < names.n; i++) {
		if (state_read(&s->own.store, &s->own.o->conf, names.v[i],
		    &s->v[i], e) == -1)
			goto out;
		s->n++;
	}
	rc = 0;
out:
	strv_clear(&names);
	return rc;
}

static int
one_json(const struct state *s, struct err *e)
{
	const struct history_snap *oldest, *newest = s->history.v;
	bool ran = s->last.op[0] != '\0', verified = s->verify.op[0] != '\0';
	struct buf why;
	struct emit j;

	buf_init(&why, ALARM_MAX);
	(void)state_alarms(s, &why);
	emit_begin(&j);
	emit_str(&j, "client", s->name);
	emit_bool(&j, "ok", s->alarms == 0);
	emit_str(&j, "why", s->alarms != 0 ? why.data : NULL);
	emit_bool(&j, "silent", (s->alarms & STATE_SILENT) != 0);
	emit_bool(&j, "near-quota", (s->alarms & STATE_FULL) != 0);
	emit_bool(&j, "verify-found", (s->alarms & STATE_ROTTEN) != 0);
	emit_str(&j, "back-end", store_backend_name(s->backend));
	if (s->good_s > 0)
		emit_num(&j, "last-good", s->good_s);
	if (ran) {
		emit_num(&j, "last-run", s->last.time_s);
		emit_str(&j, "last-state", s->last.state);
		emit_str(&j, "last-message", s->last.message);
	}
	emit_num(&j, "failures", s->failures);
	emit_num(&j, "silent-days", state_silent_days(s));
	emit_num(&j, "silent-limit", s->silent_days);
	emit_num(&j, "snapshots", (int64_t)s->history.n);
	emit_str(&j, "newest", s->history.n > 0 ? newest->name : NULL);
	emit_num(&j, "used", (int64_t)s->used);
	emit_num(&j, "quota", (int64_t)s->quota);
	if (s->left)
		emit_num(&j, "unfinished", (int64_t)s->left_bytes);
	if (verified) {
		emit_num(&j, "verify", s->verify.time_s);
		emit_str(&j, "verify-state", s->verify.state);
		emit_str(&j, "verify-message", s->verify.message);
	}
	emit_num(&j, "next-prune", (int64_t)state_next(s, &oldest));
	emit_str(&j, "next-pruned", oldest != NULL ? oldest->name : NULL);
	buf_clear(&why);
	return say_json(emit_end(&j, stdout), e);
}

static void
row(struct table *t, const struct state *s, int64_t now_s)
{
	char last[SIZE_TEXT], fails[16], snaps[24], used[40], size[SIZE_TEXT],
	    verify[SIZE_TEXT], next[24];
	const char *cells[] = { s->name, last, fails, snaps, used,
		store_backend_name(s->backend), verify, next, NULL };
	struct buf why;

	snprintf(last, sizeof(last), "never");
	if (s->good_s > 0)
		size_ago(now_s - s->good_s, last);
	snprintf(fails, sizeof(fails), "%u", s->failures);
	snprintf(snaps, sizeof(snaps), "%zu", s->history.n);
	size_text(s->used, size);
	snprintf(used, sizeof(used), "%s", size);
	if (s->quota > 0)
		snprintf(used, sizeof(used), "%s %3.0f %%", size,
		    100.0 * (double)s->used / (double)s->quota);
	snprintf(verify, sizeof(verify), "never");
	if (s->verify.op[0] != '\0')
		size_ago(now_s - s->verify.time_s, verify);
	snprintf(next, sizeof(next), "%zu", state_next(s, NULL));
	buf_init(&why, ALARM_MAX);
	if (state_words(s, &why) == -1)
		t->failed = true;
	cells[8] = why.data;
	table_row(t, cells);
	buf_clear(&why);
}

static int
as_table(const struct status *s, struct err *e)
{
	static const struct table_col cols[] = {
		{ "CLIENT", false, true }, { "LAST", true, false },
		{ "FAILED", true, false }, { "SNAPS", true, false },
		{ "USED", true, false }, { "BACK-END", false, false },
		{ "VERIFIED", true, false }, { "NEXT PRUNE", true, false },
		{ "STATE", false, true },
	};
	struct table t;
	size_t i;
	int rc;

	table_init(&t, cols, sizeof(cols) / sizeof(cols[0]));
	for (i = 0; i < s->n; i++)
		row(&t, &s->v[i], s->now_s);
	rc = say_table(&t, e);
	table_clear(&t);
	return rc;
}

/* The whole file, or the old one: whoever reads it never sees half of it. */
static int
put(const char *path, const struct buf *b, struct err *e)
{
	return file_write(path, b->data, b->len, 0644, NULL, e);
}

static int
files(const struct status *s, struct err *e)
{
	const struct backup_opts *o = s->own.o;
	/* backup.conf's file has all clients, or is left as it is. */
	const char *text = o->textfile != NULL ? o->textfile :
	    o->args.n == 0 && o->client == NULL ? o->conf.store.textfile :
	    NULL;
	uint64_t free_bytes;
	struct buf b;
	int rc = 0;

	if (text != NULL) {
		buf_init(&b, PROM_MAX);
		if (store_evict_free(s->own.store.fd, s->own.store.path,
		    &free_bytes, e) == -1 || prom_emit(s->v, s->n,
		    free_bytes, &b, e) == -1 || put(text, &b, e) == -1)
			rc = -1;
		buf_clear(&b);
	}
	if (rc == 0 && o->html != NULL) {
		buf_init(&b, PAGE_MAX);
		if (page_emit(s->own.store.path, s->v, s->n, s->now_s, &b,
		    e) == -1 || put(o->html, &b, e) == -1)
			rc = -1;
		buf_clear(&b);
	}
	return rc;
}

static void
tell_silent(const struct status *s)
{
	struct err e;
	size_t i;

	for (i = 0; i < s->n; i++) {
		e = (struct err)ERR_INIT;
		if (silent_tell(&s->own.store, &s->own.o->conf,
		    &s->v[i], &e) == -1)
			log_err(&e);
	}
}

static int
show(const struct status *s, struct err *e)
{
	const struct backup_opts *o = s->own.o;
	size_t i;
	int rc = 0;

	if (o->json)
		for (i = 0; i < s->n && rc == 0; i++)
			rc = one_json(&s->v[i], e);
	else if (!o->quiet && o->html == NULL && o->textfile == NULL)
		rc = as_table(s, e);
	return rc;
}

int
backup_status(struct backup_opts *o, struct err *e)
{
	struct status s = { .own = { .o = o } };
	struct buf why;
	int rc = -1;
	size_t i;

	if (owner_open(&s.own, e) == -1 || read_all(&s, e) == -1)
		goto out;
	s.now_s = s.own.store.now();
	tell_silent(&s);
	if (files(&s, e) == -1 || show(&s, e) == -1)
		goto out;
	rc = 0;
	for (i = 0; i < s.n; i++) {
		if (s.v[i].alarms == 0)
			continue;
		rc = ATTENTION;
		/* Said once: where the table was, it stands there. */
		if (!o->json && (o->quiet || o->html != NULL ||
		    o->textfile != NULL)) {
			buf_init(&why, ALARM_MAX);
			(void)state_alarms(&s.v[i], &why);
			log_error("%s: %s", s.v[i].name, why.data);
			buf_clear(&why);
		}
	}
out:
	for (i = 0; i < s.n; i++)
		state_clear(&s.v[i]);
	free(s.v);
	owner_close(&s.own);
	return rc;
}
