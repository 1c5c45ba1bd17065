/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "holders.h"
#include "pusher.h"
#include "ui/log.h"
#include "ways.h"

/*
 * --fifo: a queue with one turn at a time. A host is connected ahead of its
 * turn (at most -j are) but its FIFO is fed only in its turn, so that no
 * other key is out while one receiver learns its own.
 */
struct fifo_host {
	struct holders *holders;
	struct loop_timer *deadline;
	bool checked, had_turn;
	bool job;			/* csync2 is at it on the pusher */
	bool judged;			/* rc and what was said are final */
	unsigned rc;
	size_t ndirty;
	char said[256];
};

struct fifo_run {
	struct run_host *turn;		/* NULL: nobody's */
	bool pusher_ready;
	bool closing;		/* no more turns: stopped, or no pusher */
	enum report_verdict verdict;	/* of those that had no end then */
	char why[640];
	struct fifo_host hosts[];	/* as many as the plan has */
};

static struct fifo_run *
way(struct run *r)
{
	return r->way;
}

static struct fifo_host *
fifo_of(struct run_host *h)
{
	return &way(h->run)->hosts[h->i];
}

static void next_turn(struct run *r);

static void
judge(struct run_host *h)
{
	struct fifo_host *f = fifo_of(h);
	char detail[320];

	if (f->rc == 0 && f->ndirty == 0) {
		run_host_end(h, REPORT_OK, "synced", NULL);
		return;
	}
	if (f->said[0] != '\0')
		snprintf(detail, sizeof(detail), "csync2: %s", f->said);
	else
		snprintf(detail, sizeof(detail), "csync2 ended with status "
		    "%u, %zu files stayed dirty%s", f->rc, f->ndirty,
		    f->ndirty > 0 ? HOLDERS_CONFLICT : "");
	run_host_end(h, REPORT_FAILED, "failed", detail);
}

/* The host's holders are over: its turn is, and what it learned is void. */
static void
on_closed(struct run_host *h)
{
	struct run *r = h->run;
	struct fifo_run *w = way(r);
	struct fifo_host *f = fifo_of(h);
	struct err e = ERR_INIT;

	loop_timer_free(f->deadline);
	f->deadline = NULL;
	if (f->job)
		(void)pusher_stop(r->pusher, h->i, &e);
	if (w->turn == h) {
		w->turn = NULL;
		next_turn(r);
	}
	/* Last: the last host's end may begin what comes after the push. */
	if (f->judged)
		judge(h);
	else if (w->closing)
		run_host_end(h, w->verdict, "failed", w->why);
	else
		run_host_end(h, REPORT_FAILED, "failed",
		    "the window closed early");
}

static void
on_deadline(void *arg)
{
	struct run_host *h = arg;

	run_host_end(h, REPORT_LATER, "failed",
	    "not done in time (--host-timeout)");
	holders_close(fifo_of(h)->holders);
}

static void
on_ready(struct run_host *h)
{
	struct fifo_host *f = fifo_of(h);
	struct run *r = h->run;
	struct err e = ERR_INIT;

	run_state(h, PROGRESS_RUN, "ready", NULL);
	if (pusher_fifo_job(r->pusher, h, h->i, h->ph->peer, &e) == -1) {
		run_host_end(h, REPORT_FAILED, "failed", e.msg);
		holders_close(f->holders);
		return;
	}
	f->job = true;
}

static void
on_checked(struct run_host *h)
{
	fifo_of(h)->checked = true;
	run_state(h, PROGRESS_RUN, "connected", "waits for its turn");
	next_turn(h->run);
}

static void
connect_host(void *arg, size_t i)
{
	static const struct holders_ops ops = { on_checked, on_ready,
	    on_closed };
	struct run *r = arg;

	way(r)->hosts[i].holders = holders_connect(&r->hosts[i], 0, &ops);
}

static void
next_turn(struct run *r)
{
	struct fifo_run *w = way(r);
	struct fifo_host *f;
	struct err e = ERR_INIT;
	size_t i;

	if (w->turn != NULL || !w->pusher_ready || w->closing)
		return;
	for (i = 0; i < r->plan->nhosts; i++) {
		f = &w->hosts[i];
		if (r->hosts[i].ended || !f->checked || f->had_turn)
			continue;
		f->had_turn = true;
		w->turn = &r->hosts[i];
		f->deadline = loop_timer_new(r->loop, r->o->host_ms, 0,
		    on_deadline, w->turn, &e);
		if (f->deadline == NULL) {
			/* Its end is its turn's. */
			run_host_end(w->turn, REPORT_FAILED, "failed", e.msg);
			holders_close(f->holders);
			return;
		}
		holders_feed(f->holders);
		pool_release(r->pool, i);
		return;
	}
}

/* --- the pusher --- */

static void
pusher_ready(void *arg)
{
	struct run *r = arg;

	way(r)->pusher_ready = true;
	pool_run(r->pool);
}

static void
on_text(void *arg, size_t job, const char *kind, const char *text)
{
	struct run *r = arg;
	struct fifo_host *f;

	if (job >= r->plan->nhosts)
		return;
	f = &way(r)->hosts[job];
	if (strcmp(kind, "dirty") == 0)
		f->ndirty++;
	else if (!pusher_is_sum(text))
		snprintf(f->said, sizeof(f->said), "%s", text);
	report_line(r->report, job, strcmp(kind, "out") == 0 ? "csync2" :
	    kind, text);
}

static void
on_job_end(void *arg, size_t job, unsigned rc)
{
	struct run *r = arg;
	struct run_host *h;

	if (job >= r->plan->nhosts || !way(r)->hosts[job].job)
		return;
	h = &r->hosts[job];
	fifo_of(h)->job = false;
	fifo_of(h)->judged = true;
	fifo_of(h)->rc = rc;
	holders_close(fifo_of(h)->holders);
}

/* Those that are connected end when their FIFO is locked again. */
static void
close_all(struct run *r, enum report_verdict v, const char *why)
{
	struct fifo_run *w = way(r);
	size_t i;

	if (!w->closing) {
		w->closing = true;
		w->verdict = v;
		snprintf(w->why, sizeof(w->why), "%s", why);
	}
	pool_stop(r->pool);
	for (i = 0; i < r->plan->nhosts; i++) {
		if (w->hosts[i].holders == NULL)
			run_host_end(&r->hosts[i], v, "failed", why);
		else
			holders_close(w->hosts[i].holders);
	}
}

static void
on_dead(void *arg, const char *why, bool later)
{
	close_all(arg, later ? REPORT_LATER : REPORT_FAILED, why);
}

static void
stop(struct run *r)
{
	pusher_quit(r->pusher);
	close_all(r, r->stop_verdict, r->stop_why);
}

int
fifo_start(struct run *r, struct err *e)
{
	static const struct run_ops ops = { connect_host, stop,
	    verify_or_done };
	const struct pusher_ops pusher = { .on_ready = pusher_ready,
	    .on_text = on_text, .on_end = on_job_end, .on_dead = on_dead,
	    .arg = r };

	if (run_begin(r, sizeof(struct fifo_run) + r->plan->nhosts *
	    sizeof(struct fifo_host), &ops, e) == -1)
		return -1;
	return pusher_fifo_start(r, &pusher, e);
}

void
fifo_clear(struct run *r)
{
	struct fifo_run *w = r->way;
	size_t i;

	for (i = 0; w != NULL && i < r->plan->nhosts; i++) {
		holders_free(w->hosts[i].holders);
		loop_timer_free(w->hosts[i].deadline);
	}
}
