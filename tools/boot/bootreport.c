/* SPDX-License-Identifier: ISC */
#include "bootreport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/esc.h"
#include "prompttext.h"
#include "ui/emit.h"
#include "ui/log.h"
#include "ui/tally.h"

#define LINE_BYTES 16384
#define HELD_MAX 65536

/* What comes while a person is asked. Nothing that a host says may stand behind
 * the question. */
struct held {
	size_t host;
	enum progress_kind kind;
	char *state;			/* owned; NULL: a line */
	char *detail;			/* owned; NULL: none */
};

struct bootreport {
	const struct boot_opts *o;
	struct progress *progress;	/* NULL with --json */
	enum bootreport_verdict *verdicts;
	bool paused;
	struct held *held;		/* owned, in its order */
	size_t nheld;
};

/* For log_hook(). */
static void
before_log(void *arg)
{
	struct bootreport *r = arg;

	if (!r->paused)
		progress_hide(r->progress);
}

static void
after_log(void *arg)
{
	struct bootreport *r = arg;

	if (!r->paused)
		progress_show(r->progress);
}

struct bootreport *
bootreport_new(const struct boot_opts *o, struct err *e)
{
	struct bootreport *r = calloc(1, sizeof(*r));

	if (r == NULL)
		goto nomem;
	r->o = o;
	r->verdicts = calloc(o->nhosts, sizeof(*r->verdicts));
	if (r->verdicts == NULL)
		goto nomem;
	if (o->json)
		return r;
	r->progress = progress_new(STDOUT_FILENO, o->nhosts, o->quiet, e);
	if (r->progress == NULL) {
		bootreport_free(r);
		return NULL;
	}
	log_hook(before_log, after_log, r);
	return r;
nomem:
	err_set(e, ERR_MEM, "out of memory");
	bootreport_free(r);
	return NULL;
}

void
bootreport_free(struct bootreport *r)
{
	if (r == NULL)
		return;
	bootreport_pause(r, false);
	if (r->progress != NULL)
		log_hook(NULL, NULL, NULL);
	progress_free(r->progress);
	free(r->verdicts);
	free(r);
}

static void
begin(const struct bootreport *r, struct emit *j, const char *event,
    size_t host)
{
	emit_begin(j);
	emit_str(j, "event", event);
	emit_str(j, "host", r->o->hosts[host].name);
}

/* Whether it was held back; borrows the strings. */
static bool
hold(struct bootreport *r, size_t host, enum progress_kind kind,
    const char *state, const char *detail)
{
	struct held *v;

	if (!r->paused)
		return false;
	if (r->nheld == HELD_MAX)
		return true;
	v = reallocarray(r->held, r->nheld + 1, sizeof(*v));
	if (v == NULL)
		return true;
	r->held = v;
	v[r->nheld++] = (struct held){ host, kind,
	    state != NULL ? strdup(state) : NULL,
	    detail != NULL ? strdup(detail) : NULL };
	return true;
}

/* An object; a program reads it at once. */
static void
put(struct bootreport *r, struct emit *j)
{
	char *text = NULL;
	size_t len;
	FILE *f;

	if (!r->paused || !isatty(STDOUT_FILENO)) {
		(void)emit_end(j, stdout);
		return;
	}
	f = open_memstream(&text, &len);
	(void)emit_end(j, f != NULL ? f : stdout);
	if (f != NULL && fclose(f) == 0)
		(void)hold(r, 0, PROGRESS_RUN, NULL, text);
	free(text);
}

void
bootreport_state(struct bootreport *r, size_t host, enum progress_kind kind,
    const char *state, const char *detail)
{
	struct emit j;

	if (r->progress != NULL) {
		/* Quiet is about success. */
		if (r->o->quiet && kind == PROGRESS_WARN)
			kind = PROGRESS_BAD;
		if (hold(r, host, kind, state, detail))
			return;
		progress_set(r->progress, host, r->o->hosts[host].name, kind,
		    state, detail);
		return;
	}
	begin(r, &j, "state", host);
	emit_str(&j, "state", state);
	if (detail != NULL)
		emit_str(&j, "detail", detail);
	put(r, &j);
}

/* Between the lines that are redrawn. */
static void
print(struct bootreport *r, const char *text)
{
	if (r->progress != NULL)
		progress_hide(r->progress);
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		log_debug("output is gone");
	if (r->progress != NULL)
		progress_show(r->progress);
}

static void
line(struct bootreport *r, struct buf *b)
{
	if (buf_addc(b, '\n') == 0 && !hold(r, 0, PROGRESS_RUN, NULL, b->data))
		print(r, b->data);
}

void
bootreport_past(struct bootreport *r, size_t host, const char *state,
    const char *detail)
{
	struct buf b;

	if (r->progress == NULL || !progress_live(r->progress))
		return;
	buf_init(&b, LINE_BYTES);
	(void)buf_addf(&b, "%s: %s ", r->o->hosts[host].name, state);
	(void)esc_text(&b, detail, strlen(detail));
	line(r, &b);
	buf_clear(&b);
}

void
bootreport_prompt(struct bootreport *r, size_t host,
    const struct bootline_prompt *p)
{
	struct emit j;
	struct buf b;

	if (r->progress != NULL) {
		if (r->o->quiet)
			return;
		buf_init(&b, LINE_BYTES);
		(void)buf_addf(&b, "%s: prompt: ", r->o->hosts[host].name);
		prompttext_add(p, &b);
		line(r, &b);
		buf_clear(&b);
		return;
	}
	begin(r, &j, "prompt", host);
	emit_str(&j, "id", p->id);
	emit_str(&j, "kind", p->kind);
	emit_str(&j, "uuid", p->uuid[0] != '\0' ? p->uuid : NULL);
	emit_str(&j, "device", p->device);
	emit_str(&j, "name", p->name);
	if (p->tries >= 0)
		emit_num(&j, "tries", p->tries);
	put(r, &j);
}

void
bootreport_screen(struct bootreport *r, size_t host, const char *text)
{
	struct emit j;
	struct buf b;

	if (r->progress != NULL) {
		buf_init(&b, LINE_BYTES);
		(void)buf_addf(&b, "%s| ", r->o->hosts[host].name);
		(void)esc_text(&b, text, strlen(text));
		line(r, &b);
		buf_clear(&b);
		return;
	}
	begin(r, &j, "screen", host);
	emit_str(&j, "text", text);
	put(r, &j);
}

void
bootreport_log(struct bootreport *r, size_t host,
    const struct bootline_log *l)
{
	const struct bootline out = { .kind = BOOTLINE_LOG, .log = *l };
	struct buf b, all;
	struct emit j;

	if (r->progress != NULL) {
		/* Words of plain bytes, without the first and the newline:
		 * nothing in them can do harm. */
		buf_init(&b, BOOTLINE_MAX);
		buf_init(&all, LINE_BYTES);
		if (bootline_emit(&out, &b) == 0 && buf_addf(&all, "%s| %.*s",
		    r->o->hosts[host].name, (int)(b.len - sizeof("log ")),
		    b.data + strlen("log ")) == 0)
			line(r, &all);
		buf_clear(&all);
		buf_clear(&b);
		return;
	}
	begin(r, &j, "log", host);
	emit_str(&j, "time", l->when);
	emit_str(&j, "by", l->by);
	emit_str(&j, "verdict", l->word);
	emit_str(&j, "kind", l->kind);
	emit_str(&j, "id", l->id);
	emit_str(&j, "key", l->key[0] != '\0' ? l->key : NULL);
	emit_str(&j, "from", l->from[0] != '\0' ? l->from : NULL);
	put(r, &j);
}

void
bootreport_verdict(struct bootreport *r, size_t host,
    enum bootreport_verdict v)
{
	if (v > r->verdicts[host])
		r->verdicts[host] = v;
}

enum bootreport_verdict
bootreport_verdict_of(const struct bootreport *r, size_t host)
{
	return r->verdicts[host];
}

static void
say_held(struct bootreport *r)
{
	struct held *h;

	for (h = r->held; h < r->held + r->nheld; h++) {
		if (h->state != NULL)
			progress_set(r->progress, h->host,
			    r->o->hosts[h->host].name, h->kind, h->state,
			    h->detail);
		else if (h->detail != NULL)
			print(r, h->detail);
		free(h->state);
		free(h->detail);
	}
	free(r->held);
	r->held = NULL;
	r->nheld = 0;
}

void
bootreport_pause(struct bootreport *r, bool on)
{
	if (on == r->paused)
		return;
	r->paused = on;
	if (r->progress != NULL)
		(on ? progress_hide : progress_show)(r->progress);
	log_hold(on);
	if (!on)
		say_held(r);
}

void
bootreport_tick(struct bootreport *r, uint64_t now_ms)
{
	if (r->progress != NULL)
		progress_tick(r->progress, now_ms);
}

int
bootreport_end(struct bootreport *r)
{
	struct tally t = { 0 };
	size_t i;

	for (i = 0; i < r->o->nhosts; i++) {
		t.ok += r->verdicts[i] == BOOTREPORT_OK;
		t.later += r->verdicts[i] == BOOTREPORT_LATER;
		t.failed += r->verdicts[i] == BOOTREPORT_FAILED ||
		    r->verdicts[i] == BOOTREPORT_OPEN;
	}
	if (r->progress == NULL)
		tally_emit(&t, stdout);
	return tally_status(&t);
}
