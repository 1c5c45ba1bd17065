/* SPDX-License-Identifier: ISC */
#include "show.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/esc.h"
#include "ssh/session.h"
#include "ui/emit.h"

static void
plan_json(const struct plan *p)
{
	const struct plan_row *r;
	const struct plan_host *h;
	struct emit j;
	size_t i;

	for (i = 0; i < p->nrows; i++) {
		r = &p->rows[i];
		h = &p->hosts[r->at];
		emit_begin(&j);
		emit_str(&j, "group", r->group->name);
		emit_str(&j, "host", r->host->self);
		emit_str(&j, "peer", r->host->peer);
		emit_str(&j, "destination", h->dest);
		emit_str(&j, "key", r->key);
		emit_bool(&j, "slave", r->host->slave);
		emit_bool(&j, "pushes", r->pushes);
		(void)emit_end(&j, stdout);
	}
}

/* A line with names from a configuration or from argv in it. */
static void __attribute__((format(printf, 1, 2)))
line(const char *format, ...)
{
	char *text = NULL;
	struct buf b;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n == -1)
		return;
	buf_init(&b, (size_t)n * 4 + 1);
	(void)esc_text(&b, text, (size_t)n);
	puts(b.data);
	buf_clear(&b);
	free(text);
}

/* Which of remote/ runs on h, and what that makes csync2 do there. */
static const char *
work_of(const struct unlock_opts *o, const struct plan_host *h)
{
	switch (o->action) {
	case UNLOCK_CHECK:
		return "probe.sh";
	case UNLOCK_SETUP:
		return "setup.sh";
	case UNLOCK_CAGE:
		return o->test ? "cage-test.sh" : "cage.sh";
	case UNLOCK_HOLD:
	case UNLOCK_COMMAND:
		return "holder.sh: feeds the FIFO";
	case UNLOCK_PUSH:
		break;
	}
	if (o->way == UNLOCK_PIPE)
		return h->pushes ? "push.sh: csync2 -c -r /, then csync2 -u "
		    "for each receiver" : "receive.sh: csync2 -N receiver -i";
	if (h->pushes)
		return o->way == UNLOCK_FIFO ?
		    "push-fifo.sh: csync2 -P PEER -x, one after another" :
		    "push-fifo.sh: csync2 -P PEER -x, then -u for each other";
	return "holder.sh: feeds the FIFO";
}

/* The command as a person would type it; the script comes on its stdin, so
 * that what starts the script there is left out. */
static int
print_command(const struct strv *argv, const struct session_spec *s,
    const char *work)
{
	struct buf b;
	size_t i;
	int rc = 0;

	buf_init(&b, 65536);
	/* The last word begins with the become, which is here as well. */
	for (i = 0; s->dest != NULL && i + 1 < argv->n; i++) {
		rc |= esc_sh(&b, argv->v[i]);
		rc |= buf_addc(&b, ' ');
	}
	if (s->become != NULL)
		rc |= buf_addf(&b, "%s ", s->become);
	rc |= buf_adds(&b, "sh");
	if (rc == 0)
		printf("    %s <%s\n", b.data, work);
	buf_clear(&b);
	return rc;
}

static int
print_host(const struct unlock_opts *o, const struct plan *p,
    const struct plan_host *h, struct err *e)
{
	struct sshargv_opts ssh = { .program = o->ssh,
	    .config = o->ssh_config, .user = o->user,
	    .options = &o->ssh_options,
	    .connect_timeout_s = (unsigned)((o->connect_ms + 999) / 1000) };
	struct session_spec s = { .dest = h->here ? NULL : h->dest,
	    .become = o->become, .ssh = &ssh, .script = "" };
	const struct plan_row *r;
	struct strv argv = { 0 };
	int rc;

	line("  %s (%s)%s", h->name, h->here ? "this host" : h->dest,
	    h->pushes ? ", pushes" : "");
	for (r = plan_first(p, (size_t)(h - p->hosts)); r != NULL;
	    r = plan_next(p, r))
		line("    group %s%s, key %s", r->group->name,
		    r->host->slave ? ", slave" : "",
		    o->action == UNLOCK_PUSH && o->way == UNLOCK_PIPE ?
		    "made for this run" : r->key);
	rc = session_argv(&s, &argv, e);
	if (rc == 0 && print_command(&argv, &s, work_of(o, h)) == -1)
		rc = err_set(e, ERR_MEM, "out of memory");
	strv_clear(&argv);
	return rc;
}

static const char *
way_words(const struct unlock_opts *o)
{
	switch (o->action) {
	case UNLOCK_HOLD:
		return "hold a shared window open";
	case UNLOCK_COMMAND:
		return "open a shared window while the command runs";
	case UNLOCK_SETUP:
		return "make FIFOs and folders";
	case UNLOCK_CHECK:
		return "ask each host for what the check needs";
	case UNLOCK_CAGE:
		return "write the cage's drop-in";
	default:
		break;
	}
	switch (o->way) {
	case UNLOCK_FIFO:
		return "push through FIFOs, one receiver after another";
	case UNLOCK_SHARED:
		return "push with one key in all FIFOs";
	default:
		return "push over ssh itself, FIFOs stay locked";
	}
}

int
show_plan(const struct unlock_opts *o, const struct cfg *c,
    const struct plan *p, struct err *e)
{
	size_t i;

	if (o->json) {
		plan_json(p);
		return 0;
	}
	line("%s: %s", c->files.v[0], way_words(o));
	for (i = 0; i < p->nhosts; i++)
		if (print_host(o, p, &p->hosts[i], e) == -1)
			return -1;
	for (i = 0; i < p->notes.n; i++)
		line("note: %s", p->notes.v[i]);
	for (i = 0; i < p->stops.n; i++)
		line("stop: %s", p->stops.v[i]);
	return 0;
}

static const char *const levels[] = {
	[CHECK_NOTE] = "note", [CHECK_WARN] = "warning", [CHECK_RISK] = "risk",
};

static void
finding_json(const struct check_finding *f, FILE *out)
{
	struct emit j;

	emit_begin(&j);
	emit_str(&j, "event", "finding");
	emit_str(&j, "id", f->id);
	emit_str(&j, "level", levels[f->level]);
	if (f->host != NULL)
		emit_str(&j, "host", f->host);
	if (f->at.file != NULL) {
		emit_str(&j, "file", f->at.file);
		emit_num(&j, "line", f->at.line);
	}
	emit_str(&j, "text", f->text);
	emit_str(&j, "cure", f->cure);
	(void)emit_end(&j, out);
}

void
show_findings(const struct unlock_opts *o, const struct check_list *l)
{
	FILE *out = o->action == UNLOCK_COMMAND ? stderr : stdout;
	const struct check_finding *f;
	struct buf b;
	size_t i;

	for (i = 0; i < l->n; i++) {
		f = &l->v[i];
		if (o->quiet && f->level != CHECK_RISK)
			continue;
		if (o->json) {
			finding_json(f, out);
			continue;
		}
		buf_init(&b, 16384);
		if (f->at.file != NULL) {
			(void)esc_text(&b, f->at.file, strlen(f->at.file));
			(void)buf_addf(&b, ":%u: ", f->at.line);
		}
		if (f->host != NULL) {
			(void)esc_text(&b, f->host, strlen(f->host));
			(void)buf_adds(&b, ": ");
		}
		(void)esc_text(&b, f->text, strlen(f->text));
		(void)buf_adds(&b, "; ");
		(void)esc_text(&b, f->cure, strlen(f->cure));
		fprintf(out, "%s: %s [%s]\n", levels[f->level], b.data, f->id);
		buf_clear(&b);
	}
	fflush(out);
}
