/* SPDX-License-Identifier: ISC */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/log.h"

#define TICK_MS 100

const char *
run_pins(const struct run_host *h)
{
	return h->spec->known_hosts != NULL ? h->spec->known_hosts :
	    h->run->pins.data;
}

/* Who is next */

/* unread: of those alone whose passphrase was not read before. */
static bool
any(const struct run *r, enum run_phase phase, bool unread)
{
	const struct run_host *h;

	for (h = r->hosts; h < r->hosts + r->o->nhosts; h++)
		if (h->phase == phase && (!unread || h->shared == NULL))
			return true;
	return false;
}

/* Whether it is the turn of all that are in a phase. */
static bool
may(const struct run *r, enum run_phase phase)
{
	if (r->wait_end_ms != 0)
		return true;
	if (phase == RUN_ASK)
		return !any(r, RUN_LIST, false);
	return phase != RUN_GIVE ||
	    (!any(r, RUN_LIST, true) && !any(r, RUN_ASK, true));
}

/* Who has waited longest. */
static struct run_host *
next_of(struct run *r, enum run_phase phase)
{
	uint64_t now = loop_now_ms(r->loop);
	struct run_host *h, *best = NULL;
	bool all = may(r, phase);
	size_t i;

	for (i = 0; i < r->o->nhosts; i++) {
		h = &r->hosts[i];
		/* Of one whose passphrase was read nobody is asked. */
		if (h->phase == phase && !h->busy && h->due_ms <= now &&
		    (all || (phase == RUN_ASK && h->shared != NULL)) &&
		    (best == NULL || h->due_ms < best->due_ms))
			best = h;
	}
	return best;
}

/* A connection for h, if it has none: a session's that isn't busy, where there
 * are enough of them. That host logs in again, as it would if it had ended. */
static void
make_room(struct run *r, const struct run_host *h)
{
	size_t i, n = r->running;
	struct run_host *idle = NULL, *other;

	for (i = 0; i < r->o->nhosts; i++) {
		other = &r->hosts[i];
		if (other == h || other->busy || other->call == NULL ||
		    !call_stands(other->call))
			continue;
		idle = other;
		n++;
	}
	if (idle == NULL || n < r->o->jobs)
		return;
	call_free(idle->call);
	idle->call = NULL;
}

static void
begin(struct run_host *h)
{
	make_room(h->run, h);
	h->busy = true;
	h->run->running++;
	if (h->phase == RUN_GIVE)
		unlock_start(h);
	else if (h->look)
		wait_look(h);
	else
		list_start(h);
}

/* As much as can be. From the loop alone, so that nothing which ends at once
 * nests. */
static void
fill(void *arg)
{
	struct run *r = arg;
	struct run_host *h;

	/* First: who has a session then uses it, before another one needs its
	 * place. */
	while (!r->stopped && r->ask == NULL &&
	    (h = next_of(r, RUN_ASK)) != NULL)
		ask_start(h);
	while (!r->stopped && r->running < r->o->jobs &&
	    ((h = next_of(r, RUN_GIVE)) != NULL ||
	    (h = next_of(r, RUN_LIST)) != NULL))
		begin(h);
	/* Who asks gives the terminal back first. */
	if ((r->stopped || r->left == 0) && r->ask == NULL)
		loop_stop(r->loop);
}

void
run_wake(struct run *r)
{
	if (r->turn != NULL)
		loop_timer_set(r->turn, 0, 0);
}

void
run_free(struct run_host *h)
{
	call_free(h->call);
	h->call = NULL;
	run_rest(h);
}

void
run_rest(struct run_host *h)
{
	if (h->call != NULL && !call_stands(h->call)) {
		call_free(h->call);
		h->call = NULL;
	}
	real_free(h->real);
	h->real = NULL;
	if (h->busy) {
		h->busy = false;
		h->run->running--;
	}
	run_wake(h->run);
}

void
run_over(struct run_host *h, enum bootreport_verdict v)
{
	bootreport_verdict(h->run->report, h->i, v);
	run_free(h);
	if (h->phase == RUN_OVER)
		return;
	h->phase = RUN_OVER;
	h->run->left--;
}

void
run_fail(struct run_host *h, bool again, const char *state, const char *why)
{
	bootreport_state(h->run->report, h->i, PROGRESS_BAD, state, why);
	run_over(h, again ? BOOTREPORT_LATER : BOOTREPORT_FAILED);
}

void
run_halt(struct run *r)
{
	struct run_host *h;
	size_t i;

	r->halted = true;
	for (i = 0; i < r->o->nhosts; i++) {
		h = &r->hosts[i];
		if (h->phase != RUN_OVER && !h->booting && (!h->begun ||
		    h->phase == RUN_LIST))
			run_fail(h, true, "left out",
			    "after a rejection elsewhere; --keep-going");
	}
	/* One that has begun may have another disk. */
	if (r->ask != NULL && ask_host(r->ask)->phase == RUN_OVER)
		ask_cancel(r->ask);
}

void
run_end(struct run *r, const struct err *e)
{
	if (r->err.code == ERR_NONE)
		r->err = *e;
	r->stopped = true;
	run_wake(r);
}

static void
on_signal(void *arg, int signo)
{
	struct run *r = arg;

	(void)signo;
	r->stopped = true;
	if (r->ask != NULL)
		ask_cancel(r->ask);
	run_wake(r);
}

static void
on_tick(void *arg)
{
	struct run *r = arg;
	uint64_t now = loop_now_ms(r->loop);
	size_t i;

	bootreport_tick(r->report, now);
	if (r->wait_end_ms != 0 && now >= r->wait_end_ms && !r->waited) {
		r->waited = true;
		for (i = 0; i < r->o->nhosts; i++)
			if (r->hosts[i].phase == RUN_LIST)
				wait_over(&r->hosts[i]);
	}
	fill(r);
}

static int
loop_all(struct run *r, struct err *e)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	size_t i;

	r->loop = loop_new(e);
	if (r->loop == NULL)
		return -1;
	for (i = 0; i < 3; i++)
		if (loop_signal(r->loop, signals[i], on_signal, r, e) == -1)
			return -1;
	if (loop_timer_new(r->loop, TICK_MS, TICK_MS, on_tick, r, e) == NULL)
		return -1;
	r->turn = loop_timer_new(r->loop, 0, 0, fill, r, e);
	if (r->turn == NULL)
		return -1;
	if (r->o->wait_ms != 0)
		r->wait_end_ms = loop_now_ms(r->loop) + r->o->wait_ms;
	if (loop_run(r->loop, e) == -1)
		return -1;
	if (r->err.code != ERR_NONE) {
		*e = r->err;
		return -1;
	}
	return 0;
}

/* The whole */

static int
init(struct run *r, const struct boot_opts *o, struct err *e)
{
	struct run_host *h;
	size_t i;

	r->o = o;
	r->left = o->nhosts;
	buf_init(&r->pins, 4096);
	buf_init(&r->dir, 80);
	if (bootpins_path(&r->pins, e) == -1)
		return -1;
	r->hosts = calloc(o->nhosts, sizeof(*r->hosts));
	r->shared = calloc(o->nhosts, sizeof(*r->shared));
	if (r->hosts == NULL || r->shared == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < o->nhosts; i++) {
		h = &r->hosts[i];
		h->run = r;
		h->i = i;
		h->spec = &o->hosts[i];
		h->prompts = calloc(RUN_PROMPTS, sizeof(*h->prompts));
		if (h->prompts == NULL)
			return err_set(e, ERR_MEM, "out of memory");
	}
	return 0;
}

static void
clear(struct run *r)
{
	size_t i, j;

	for (i = 0; r->hosts != NULL && i < r->o->nhosts; i++) {
		run_free(&r->hosts[i]);
		for (j = 0; j < r->hosts[i].nprompts; j++)
			secret_free(r->hosts[i].prompts[j].secret);
		free(r->hosts[i].prompts);
	}
	ask_free(r->ask);
	for (i = 0; r->shared != NULL && i < r->o->nhosts; i++)
		secret_free(r->shared[i]);
	free(r->shared);
	free(r->hosts);
	real_leave(&r->dir);
	bootreport_free(r->report);
	buf_clear(&r->pins);
	buf_clear(&r->dir);
	/* Its timer is gone with it. */
	r->turn = NULL;
	loop_free(r->loop);
}

int
run_boot(const struct boot_opts *o, struct err *e)
{
	struct run r = { .o = o };
	int status = -1;

	if (init(&r, o, e) == -1)
		goto out;
	if (o->dry_run) {
		status = list_show(&r, e);
		goto out;
	}
	r.report = bootreport_new(o, e);
	if (r.report == NULL)
		goto out;
	if (o->action == BOOT_UNLOCK)
		ask_first(&r);
	/* Whatever ended it, what came of each host counts. */
	if (r.left > 0 && loop_all(&r, e) == -1)
		(void)log_err(e);
	else if (r.stopped)
		log_warn("interrupted: what was begun on a host ends there");
	status = bootreport_end(r.report);
out:
	clear(&r);
	return status;
}
