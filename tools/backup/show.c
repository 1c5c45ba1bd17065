/* SPDX-License-Identifier: ISC */
#include "show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"
#include "ui/emit.h"
#include "ui/log.h"
#include "ui/progress.h"

#define TICK_MS 200

struct show {
	struct loop *loop;
	const struct backup_opts *o;
	const struct settings_job *job;
	struct progress *line;		/* NULL: not a terminal, or --json */
	struct loop_timer *tick;
};

void
show_size(uint64_t bytes, char out[16])
{
	size_text(bytes, out);
}

static void
on_tick(void *arg)
{
	struct show *s = arg;

	progress_tick(s->line, loop_now_ms(s->loop));
}

struct show *
show_new(struct loop *l, const struct backup_opts *o,
    const struct settings_job *j, struct err *e)
{
	struct show *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	s->loop = l;
	s->o = o;
	s->job = j;
	if (o->json || o->quiet || !isatty(1))
		return s;
	s->line = progress_new(1, 1, false, e);
	s->tick = loop_timer_new(l, TICK_MS, TICK_MS, on_tick, s, e);
	if (s->line == NULL || s->tick == NULL) {
		show_free(s);
		return NULL;
	}
	progress_set(s->line, 0, j->section, PROGRESS_RUN, "asking",
	    j->destination);
	return s;
}

void
show_free(struct show *s)
{
	if (s == NULL)
		return;
	loop_timer_free(s->tick);
	progress_free(s->line);
	free(s);
}

static void
event(const struct show *s, const char *name, const struct reply *r)
{
	struct emit j;

	emit_begin(&j);
	emit_str(&j, "event", name);
	emit_str(&j, "job", s->job->section);
	if (r->phase[0] != '\0')
		emit_str(&j, "phase", r->phase);
	if (r->snapshot[0] != '\0')
		emit_str(&j, "snapshot", r->snapshot);
	if (r->basis[0] != '\0')
		emit_str(&j, "basis", r->basis);
	if (r->resumed)
		emit_bool(&j, "resumed", true);
	if (strcmp(name, "progress") == 0) {
		emit_num(&j, "percent", (int64_t)r->percent);
		emit_num(&j, "files", (int64_t)r->files);
		emit_num(&j, "bytes", (int64_t)r->bytes);
		emit_num(&j, "rate", (int64_t)r->rate);
	}
	if (strcmp(name, "result") == 0) {
		emit_num(&j, "status", (int64_t)r->status);
		emit_str(&j, "why", r->why[0] != '\0' ? r->why : NULL);
		emit_num(&j, "files", (int64_t)r->files);
		emit_num(&j, "bytes", (int64_t)r->bytes);
		emit_num(&j, "added", (int64_t)r->added);
		emit_num(&j, "seconds", (int64_t)r->seconds);
		emit_num(&j, "vanished", (int64_t)r->vanished);
		emit_num(&j, "changed", (int64_t)r->changed);
	}
	(void)emit_end(&j, stdout);
}

bool
show_live(const struct show *s)
{
	return s->line != NULL || (s->o->json && !s->o->quiet);
}

void
show_answer(struct show *s, const struct reply *a)
{
	if (s->o->json)
		event(s, "answer", a);
	else if (a->resumed)
		log_info("%s: goes on from where a broken run stopped",
		    s->job->section);
}

void
show_progress(struct show *s, const struct reply *p)
{
	char bytes[16], rate[16], text[96];
	uint64_t left;

	if (s->o->json) {
		event(s, "progress", p);
		return;
	}
	if (s->line == NULL)
		return;
	show_size(p->bytes, bytes);
	show_size(p->rate, rate);
	text[0] = '\0';
	if (p->percent > 0 && p->rate > 0) {
		left = (p->bytes * 100 / p->percent - p->bytes) / p->rate;
		snprintf(text, sizeof(text), "%u%%  %" PRIu64 " files  %s  "
		    "%s/s  %u:%02u left", (unsigned)p->percent, p->files,
		    bytes, rate, (unsigned)(left / 60),
		    (unsigned)(left % 60));
	}
	progress_set(s->line, 0, s->job->section, PROGRESS_RUN,
	    p->phase[0] != '\0' ? p->phase : "transfer", text);
}

void
show_result(struct show *s, const struct settings_job *j,
    const struct reply *r)
{
	char bytes[16], added[16];

	if (s != NULL && s->o->json) {
		event(s, "result", r);
		return;
	}
	if (s != NULL && s->line != NULL) {
		progress_set(s->line, 0, j->section, r->status == 0 ?
		    PROGRESS_GOOD : PROGRESS_BAD, r->status == 0 ? "done" :
		    "failed", r->status == 0 ? r->snapshot : "");
		progress_free(s->line);
		s->line = NULL;
	}
	if (r->status != 0) {
		log_error("%s: %s", j->section, r->why);
		return;
	}
	if (r->vanished > 0 || r->changed > 0)
		log_warn("%s: while all was read, %" PRIu64 " files vanished or "
		    "came up, %" PRIu64 " changed%s%s", j->section,
		    r->vanished, r->changed, r->why[0] != '\0' ? ": " : "",
		    r->why);
	if (s == NULL || s->o->quiet)
		return;
	show_size(r->bytes, bytes);
	show_size(r->added, added);
	printf("%s: %s: %" PRIu64 " files, %s, %s new, in %" PRIu64 " s\n",
	    j->section, r->snapshot, r->files, bytes, added, r->seconds);
}
