/* SPDX-License-Identifier: ISC */
#include "fanout.h"

#include <stdlib.h>
#include <string.h>

#include "ui/log.h"

#define INPUT_MAX (1u << 20)

static void
on_event(void *arg, const char *ev, const char *text)
{
	struct run_host *h = arg;
	const struct fanout_spec *f = h->run->fanout;

	if (strcmp(ev, "refuse") == 0)
		run_refused(h, text);
	else if (f->on_event != NULL)
		f->on_event(h, ev, text);
}

static void
on_raw(void *arg, const void *data, size_t len)
{
	struct run_host *h = arg;
	const struct fanout_spec *f = h->run->fanout;

	if (f->on_raw != NULL && !h->ended)
		f->on_raw(h, data, len);
}

static void
on_noise(void *arg, enum child_stream s, const char *line)
{
	struct run_host *h = arg;

	(void)s;
	log_debug("%s: %s", h->ph->name, line);
}

static void
on_end(void *arg, const struct session_end *end)
{
	struct run_host *h = arg;
	const struct fanout_spec *f = h->run->fanout;
	struct err e = ERR_INIT;

	if (h->ended)
		return;
	if (end->status != 0 || end->timed_out)
		run_host_lost(h, end);
	else if (f->on_done != NULL && f->on_done(h, &e) == -1)
		run_host_end(h, e.code == ERR_TIMEOUT || e.code == ERR_BUSY ?
		    REPORT_LATER : REPORT_FAILED, "failed", e.msg);
	else
		run_host_end(h, REPORT_OK, f->done, NULL);
}

static void
begin(void *arg, size_t i)
{
	struct run *r = arg;
	struct run_host *h = &r->hosts[i];
	const struct fanout_spec *f = r->fanout;
	struct session_spec s;
	struct strv vars = { 0 };
	struct buf input;
	struct err e = ERR_INIT;

	if (h->ended) {
		pool_release(r->pool, i);
		return;
	}
	buf_init(&input, INPUT_MAX);
	run_state(h, PROGRESS_RUN, f->doing, NULL);
	run_spec(r, h, &s);
	s.script = f->script;
	s.vars = &vars;
	s.run_ms = r->o->host_ms;
	s.on_event = on_event;
	s.on_noise = on_noise;
	s.on_raw = on_raw;
	s.on_end = on_end;
	if ((f->prepare != NULL && f->prepare(h, &vars, &input, &e) == -1) ||
	    (h->session = session_start(r->loop, &s, &e)) == NULL ||
	    (input.len > 0 && child_send(session_child(h->session),
	    input.data, input.len, &e) == -1))
		run_host_end(h, REPORT_FAILED, "failed", e.msg);
	else
		child_close_stdin(session_child(h->session));
	strv_clear(&vars);
	buf_clear(&input);
}

static void
stop(struct run *r)
{
	size_t i;

	pool_stop(r->pool);
	for (i = 0; i < r->plan->nhosts; i++)
		run_host_end(&r->hosts[i], r->stop_verdict, "failed",
		    r->stop_why);
}

int
fanout_start(struct run *r, const struct fanout_spec *spec, struct err *e)
{
	struct run_host *h;
	size_t i;

	fanout_clear(r);
	r->fanout = malloc(sizeof(*spec));
	if (r->fanout == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	*r->fanout = *spec;
	pool_free(r->pool);
	r->pool = pool_new(r->plan->nhosts, r->o->jobs, begin, r, e);
	if (r->pool == NULL)
		return -1;
	r->on_stop = stop;
	r->on_all = spec->on_all != NULL ? spec->on_all : run_done;
	r->left = 0;
	for (i = 0; i < r->plan->nhosts; i++) {
		h = &r->hosts[i];
		h->ended = spec->wants != NULL && !spec->wants(h);
		if (h->ended) {
			if (report_verdict_of(r->report, i) == REPORT_OPEN)
				report_verdict(r->report, i, REPORT_NOTHING);
			continue;
		}
		session_free(h->session);
		h->session = NULL;
		r->left++;
	}
	if (r->left == 0)
		r->on_all(r);
	else
		pool_run(r->pool);
	return 0;
}

void
fanout_clear(struct run *r)
{
	free(r->fanout);
	r->fanout = NULL;
}

int
fanout_lines(struct strv *vars, const char *name, const struct strv *lines,
    struct err *e)
{
	struct buf b;
	size_t i;
	int rc = 0;

	buf_init(&b, 1 << 18);
	rc |= buf_addf(&b, "%s=", name);
	for (i = 0; i < lines->n; i++)
		rc |= buf_addf(&b, "%s%s", i > 0 ? "\n" : "", lines->v[i]);
	rc |= strv_add(vars, b.data);
	buf_clear(&b);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}
