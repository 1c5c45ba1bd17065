/* SPDX-License-Identifier: ISC */
#include "tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/esc.h"
#include "bar.h"
#include "say.h"
#include "size.h"
#include "tell_json.h"
#include "sys/clock.h"
#include "ui/columns.h"
#include "ui/emit.h"
#include "ui/log.h"
#include "ui/progress.h"

#define LINE_MAX_BYTES	(8u << 20)
#define JSON_EVERY_MS	1000

struct tell {
	const struct backup_opts *o;
	struct progress *line;		/* NULL: not a terminal, or --json */
	bool titled;
	uint64_t said_ms;		/* when progress was said last */
};

struct tell *
tell_new(const struct backup_opts *o, struct err *e)
{
	struct tell *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	t->o = o;
	if (!o->json && !o->quiet && isatty(1)) {
		t->line = progress_new(1, 1, false, e);
		if (t->line == NULL) {
			free(t);
			return NULL;
		}
		log_hook(progress_hide, progress_show, t->line);
	}
	return t;
}

void
tell_free(struct tell *t)
{
	if (t == NULL)
		return;
	if (t->line != NULL)
		log_hook(NULL, NULL, NULL);
	progress_free(t->line);
	free(t);
}

/* A whole line, or a failure on the way to it. */
static int
put(struct tell *t, struct buf *b, int rc, struct err *e)
{
	if (rc != 0 || buf_addc(b, '\n') == -1) {
		buf_clear(b);
		return err_set(e, ERR_MEM, "out of memory");
	}
	if (t->line != NULL)
		progress_hide(t->line);
	if (fwrite(b->data, 1, b->len, stdout) != b->len)
		rc = err_sys(e, "standard output");
	/* A live line comes after it. */
	if (t->line != NULL) {
		fflush(stdout);
		progress_show(t->line);
	}
	buf_clear(b);
	return rc;
}

/* The titles of rows, once. */
static int
title(struct tell *t, const char *text, struct err *e)
{
	struct buf b;

	if (t->titled || t->o->quiet)
		return 0;
	t->titled = true;
	buf_init(&b, 256);
	return put(t, &b, buf_adds(&b, text), e);
}

/* Escaped, and then as the locale can show it. */
static int
add_path(struct buf *b, const char *path, bool cut)
{
	struct columns c = { .out = b, .left = SIZE_MAX, .utf8 = say_utf8() };
	struct buf text;
	int rc;

	buf_init(&text, LINE_MAX_BYTES);
	rc = esc_text(&text, path, strlen(path));
	if (rc == 0 && cut)
		rc = buf_adds(&text, "...");
	columns_add(&c, text.data, SIZE_MAX);
	buf_clear(&text);
	return rc;
}

int
tell_file(struct tell *t, const struct hits_file *f, struct err *e)
{
	char mode[11], size[SIZE_TEXT], when[SIZE_TIME];
	struct emit j;
	struct buf b;
	int rc;

	if (t->o->json) {
		emit_begin(&j);
		tell_json_path(&j, f->path, f->cut);
		emit_str(&j, "first", f->first);
		emit_str(&j, "last", f->last);
		tell_json_meta(&j, NULL, f->mode, f->uid, f->gid, f->size,
		    f->mtime_ns);
		return say_json(emit_end(&j, stdout), e);
	}
	if (title(t, "MODE             SIZE MODIFIED          FIRST AND LAST "
	    "SNAPSHOT, PATH", e) == -1)
		return -1;
	say_mode(f->mode, mode);
	size_text(f->size, size);
	size_time(f->mtime_ns / 1000000000, when);
	buf_init(&b, LINE_MAX_BYTES);
	rc = buf_addf(&b, "%s %10s %-16s  %s  %s  ", mode, size, when,
	    f->first, f->last);
	rc |= add_path(&b, f->path, f->cut);
	return put(t, &b, rc, e);
}

int
tell_found(struct tell *t, const struct hits_found *f, struct err *e)
{
	struct emit j;
	struct buf b, why;
	int rc;

	if (t->o->json) {
		emit_begin(&j);
		emit_str(&j, "event", "found");
		emit_str(&j, "kind", hits_kind(f->kind));
		emit_str(&j, "snapshot", f->snapshot);
		tell_json_path(&j, f->path, f->cut);
		tell_json_what(&j, f->what);
		emit_str(&j, "why", *f->why != '\0' ? f->why : NULL);
		return say_json(emit_end(&j, stdout), e);
	}
	buf_init(&b, LINE_MAX_BYTES);
	buf_init(&why, 65536);
	rc = buf_addf(&b, "%-10s  %s  ", hits_kind(f->kind), f->snapshot);
	rc |= add_path(&b, f->path, f->cut);
	if (f->kind == VERIFY_ALTERED && f->what != 0)
		rc |= hits_what(f->what, ", ", &why);
	else
		rc |= esc_text(&why, f->why, strlen(f->why));
	if (why.len > 0)
		rc |= buf_addf(&b, "  (%s)", why.data);
	buf_clear(&why);
	return put(t, &b, rc, e);
}

int
tell_change(struct tell *t, const struct query_change *c, struct err *e)
{
	const char *how = c->a == NULL ? "added" : c->b == NULL ? "removed" :
	    "changed";
	const struct catalog_meta *m = c->b != NULL ? c->b : c->a;
	char size[SIZE_TEXT];
	struct emit j;
	struct buf b;
	int rc;

	if (t->o->json) {
		emit_begin(&j);
		emit_str(&j, "change", how);
		tell_json_path(&j, c->path, false);
		tell_json_what(&j, c->what);
		if (c->a != NULL)
			tell_json_meta(&j, "before", c->a->mode, c->a->uid,
			    c->a->gid, c->a->size, c->a->mtime_ns);
		if (c->b != NULL)
			tell_json_meta(&j, "after", c->b->mode, c->b->uid,
			    c->b->gid, c->b->size, c->b->mtime_ns);
		return say_json(emit_end(&j, stdout), e);
	}
	size_text(m->size, size);
	buf_init(&b, LINE_MAX_BYTES);
	rc = buf_addf(&b, "%-7s  %10s  ", how, size);
	rc |= add_path(&b, c->path, false);
	if (c->what != 0) {
		rc |= buf_adds(&b, "  (");
		rc |= hits_what(c->what, ", ", &b);
		rc |= buf_addc(&b, ')');
	}
	return put(t, &b, rc, e);
}

int
tell_folder(struct tell *t, const struct query_size *s, struct err *e)
{
	char all[SIZE_TEXT], own[SIZE_TEXT];
	struct emit j;
	struct buf b;
	int rc;

	if (t->o->json) {
		emit_begin(&j);
		tell_json_path(&j, s->path, false);
		emit_num(&j, "files", (int64_t)s->files);
		emit_num(&j, "bytes", (int64_t)s->bytes);
		emit_num(&j, "own_bytes", (int64_t)s->own_bytes);
		return say_json(emit_end(&j, stdout), e);
	}
	if (title(t, "      SIZE       ALONE       FILES  FOLDER", e) == -1)
		return -1;
	size_text(s->bytes, all);
	size_text(s->own_bytes, own);
	buf_init(&b, LINE_MAX_BYTES);
	rc = buf_addf(&b, "%10s  %10s  %10" PRIu64 "  ", all, own, s->files);
	rc |= add_path(&b, s->path, false);
	return put(t, &b, rc, e);
}

void
tell_progress(struct tell *t, const char *what, const struct reply *p)
{
	uint64_t now = clock_ms();
	char bar[BAR_TEXT], text[256];
	struct emit j;

	if (t->o->json && now >= t->said_ms + JSON_EVERY_MS) {
		t->said_ms = now;
		emit_begin(&j);
		emit_str(&j, "event", "progress");
		emit_str(&j, "phase", p->phase);
		emit_str(&j, "snapshot", p->snapshot);
		emit_num(&j, "files", (int64_t)p->files);
		emit_num(&j, "bytes", (int64_t)p->bytes);
		emit_num(&j, "total", (int64_t)p->total);
		emit_num(&j, "found", (int64_t)p->found);
		(void)emit_end(&j, stdout);
	}
	if (t->line == NULL)
		return;
	bar_text(p->bytes, p->total, bar);
	/* What a narrow terminal cuts comes last. */
	snprintf(text, sizeof(text), "%s%s  %" PRIu64 " files of %s", bar,
	    p->found > 0 ? "  something is wrong" : "", p->files,
	    p->snapshot);
	progress_set(t->line, 0, what,
	    p->found > 0 ? PROGRESS_WARN : PROGRESS_RUN,
	    p->phase[0] != '\0' ? p->phase : "verify", text);
	progress_tick(t->line, now);
}

void
tell_verified(struct tell *t, const char *what, const struct reply *r)
{
	char read[SIZE_TEXT];
	struct err e = ERR_INIT;
	struct emit j;
	struct buf b;

	if (t->o->json) {
		emit_begin(&j);
		emit_str(&j, "event", "result");
		emit_str(&j, "client", what);
		emit_num(&j, "status", (int64_t)r->status);
		emit_str(&j, "why", r->why[0] != '\0' ? r->why : NULL);
		emit_num(&j, "files", (int64_t)r->files);
		emit_num(&j, "read", (int64_t)r->read);
		emit_num(&j, "bytes", (int64_t)r->bytes);
		emit_num(&j, "found", (int64_t)r->found);
		emit_num(&j, "seconds", (int64_t)r->seconds);
		(void)emit_end(&j, stdout);
		return;
	}
	if (t->line != NULL)
		progress_set(t->line, 0, what, r->status == 0 ?
		    PROGRESS_GOOD : PROGRESS_BAD, r->status == 0 ? "done" :
		    "done, and something is wrong", "");
	size_text(r->bytes, read);
	buf_init(&b, 4096);
	if (!t->o->quiet && put(t, &b, buf_addf(&b, "%s: %" PRIu64 " names, %"
	    PRIu64 " files with %s read, %" PRIu64 " found, in %" PRIu64 " s",
	    what, r->files, r->read, read, r->found, r->seconds), &e) == -1)
		log_err(&e);
	fflush(stdout);
	if (r->why[0] != '\0')
		log_warn("%s: %s", what, r->why);
}
