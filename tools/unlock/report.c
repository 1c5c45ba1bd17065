/* SPDX-License-Identifier: ISC */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/esc.h"
#include "ui/emit.h"
#include "ui/log.h"
#include "ui/tally.h"

#define LINE_MAX_BYTES 16384
#define LINES_MAX 5000		/* a host; honest ones have their own bounds */

struct report {
	const struct unlock_opts *o;
	const struct plan *plan;
	struct progress *progress;	/* NULL with --json */
	enum report_verdict *verdicts;
	size_t *lines;			/* that each host, or nobody, said */
	int fd;
};

struct report *
report_new(const struct unlock_opts *o, const struct plan *p, struct err *e)
{
	struct report *r;

	r = calloc(1, sizeof(*r));
	if (r == NULL)
		goto fail;
	r->o = o;
	r->plan = p;
	/* In a window the command owns standard output. */
	r->fd = o->action == UNLOCK_COMMAND ? STDERR_FILENO : STDOUT_FILENO;
	r->verdicts = calloc(p->nhosts + 1, sizeof(*r->verdicts));
	r->lines = calloc(p->nhosts + 1, sizeof(*r->lines));
	if (r->verdicts == NULL || r->lines == NULL)
		goto fail;
	if (o->json)
		return r;
	r->progress = progress_new(r->fd, p->nhosts, o->quiet, e);
	if (r->progress == NULL)
		goto fail;
	log_hook(progress_hide, progress_show, r->progress);
	return r;
fail:
	if (e != NULL && e->code == ERR_NONE)
		err_set(e, ERR_MEM, "out of memory");
	report_free(r);
	return NULL;
}

void
report_free(struct report *r)
{
	if (r == NULL)
		return;
	if (r->progress != NULL)
		log_hook(NULL, NULL, NULL);
	progress_free(r->progress);
	free(r->verdicts);
	free(r->lines);
	free(r);
}

static const char *
name_of(const struct report *r, size_t host)
{
	return host == PLAN_NOBODY ? NULL : r->plan->hosts[host].name;
}

static FILE *
json_out(const struct report *r)
{
	return r->fd == STDOUT_FILENO ? stdout : stderr;
}

static void
emit_event(const struct report *r, const char *event, size_t host,
    const char *key, const char *value, const char *detail)
{
	struct emit j;

	emit_begin(&j);
	emit_str(&j, "event", event);
	if (host != PLAN_NOBODY)
		emit_str(&j, "host", name_of(r, host));
	emit_str(&j, key, value);
	if (detail != NULL)
		emit_str(&j, "detail", detail);
	(void)emit_end(&j, json_out(r));
}

void
report_state(struct report *r, size_t host, enum progress_kind kind,
    const char *state, const char *detail)
{
	if (r->o->silent)
		return;
	if (r->o->json)
		emit_event(r, "state", host, "state", state, detail);
	else
		progress_set(r->progress, host, name_of(r, host), kind,
		    state, detail);
}

void
report_line(struct report *r, size_t host, const char *what, const char *text)
{
	struct buf b;
	size_t *said = &r->lines[host == PLAN_NOBODY ? r->plan->nhosts : host];

	if (r->o->silent)
		return;
	/* What a host says lands on somebody's disk. */
	if (*said > LINES_MAX)
		return;
	if (++*said > LINES_MAX) {
		what = "note";
		text = "says too much: the rest is left out";
	}
	if (r->o->json) {
		emit_event(r, what, host, "text", text, NULL);
		return;
	}
	if (r->o->quiet && strcmp(what, "note") == 0)
		return;
	buf_init(&b, LINE_MAX_BYTES);
	if (host != PLAN_NOBODY)
		(void)buf_addf(&b, "%s: ", name_of(r, host));
	(void)buf_addf(&b, "%s: ", what);
	(void)esc_text(&b, text, strlen(text));
	(void)buf_addc(&b, '\n');
	progress_hide(r->progress);
	/* A reader that went away is no reason to stop in the middle. */
	if (write(r->fd, b.data, b.len) < 0)
		log_debug("output is gone");
	progress_show(r->progress);
	buf_clear(&b);
}

void
report_tick(struct report *r, uint64_t now_ms)
{
	if (r->progress != NULL)
		progress_tick(r->progress, now_ms);
}

void
report_verdict(struct report *r, size_t host, enum report_verdict v)
{
	enum report_verdict *at = &r->verdicts[host];

	if (*at == REPORT_FAILED || (*at == REPORT_LATER && v == REPORT_OK) ||
	    (*at == REPORT_NOTHING && v == REPORT_OK))
		return;
	*at = v;
}

enum report_verdict
report_verdict_of(const struct report *r, size_t host)
{
	return r->verdicts[host];
}

int
report_end(struct report *r)
{
	struct tally t = { 0 };
	size_t i;

	for (i = 0; i < r->plan->nhosts; i++) {
		t.ok += r->verdicts[i] == REPORT_OK;
		t.later += r->verdicts[i] == REPORT_LATER;
		t.failed += r->verdicts[i] == REPORT_FAILED ||
		    r->verdicts[i] == REPORT_OPEN;
	}
	if (r->o->json && !r->o->silent)
		tally_emit(&t, json_out(r));
	return tally_status(&t);
}
