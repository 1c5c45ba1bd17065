/* SPDX-License-Identifier: ISC */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "fanout.h"
#include "pusher.h"
#include "ui/log.h"

#define TICK_MS 100
#define KEY_WAIT_MS 300000	/* a person may have to find a token */

static void
on_tick(void *arg)
{
	struct run *r = arg;

	report_tick(r->report, loop_now_ms(r->loop));
}

static void
on_signal(void *arg, int signo)
{
	struct run *r = arg;

	r->signo = signo;
	r->stops++;
	r->status = 1;
	if (r->stops == 1 && r->on_stop != NULL)
		r->on_stop(r);
	else
		loop_stop(r->loop);
}

static void
on_limit(void *arg)
{
	struct run *r = arg;

	if (r->stops++ > 0)
		return;
	r->stop_why = "the time limit is reached (--for)";
	r->stop_verdict = REPORT_LATER;
	if (r->on_stop != NULL)
		r->on_stop(r);
	else
		loop_stop(r->loop);
}

/* Hundreds of hosts, three descriptors each: as many as we may have. */
static void
raise_nofile(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static int
init_loop(struct run *r, struct err *e)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	size_t i;

	r->loop = loop_new(e);
	if (r->loop == NULL)
		return -1;
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (loop_signal(r->loop, signals[i], on_signal, r, e) == -1)
			return -1;
	r->tick = loop_timer_new(r->loop, TICK_MS, TICK_MS, on_tick, r, e);
	if (r->tick == NULL)
		return -1;
	/* A shared window closes by its own rules. */
	if (r->o->for_ms == 0 || r->o->way == UNLOCK_SHARED)
		return 0;
	r->limit = loop_timer_new(r->loop, r->o->for_ms, 0, on_limit, r, e);
	return r->limit != NULL ? 0 : -1;
}

int
run_init(struct run *r, const struct unlock_opts *o, const struct cfg *cfg,
    const struct plan *plan, struct err *e)
{
	size_t i;

	*r = (struct run){ .o = o, .cfg = cfg, .plan = plan,
	    .left = plan->nhosts, .stop_why = "interrupted",
	    .stop_verdict = REPORT_FAILED };
	r->ssh = (struct sshargv_opts){ .program = o->ssh,
	    .config = o->ssh_config, .user = o->user,
	    .options = &o->ssh_options,
	    .connect_timeout_s = (unsigned)((o->connect_ms + 999) / 1000) };
	raise_nofile();
	r->key = key_open(o->key, KEY_WAIT_MS, e);
	if (r->key == NULL)
		return -1;
	r->hosts = calloc(plan->nhosts + 1, sizeof(*r->hosts));
	if (r->hosts == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < plan->nhosts; i++) {
		r->hosts[i].run = r;
		r->hosts[i].i = i;
		r->hosts[i].ph = &plan->hosts[i];
	}
	if (init_loop(r, e) == -1)
		return -1;
	r->report = report_new(o, plan, e);
	return r->report != NULL ? 0 : -1;
}

int
run_begin(struct run *r, size_t size, const struct run_ops *ops,
    struct err *e)
{
	r->way = calloc(1, size);
	if (r->way == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	r->on_stop = ops->on_stop;
	r->on_all = ops->on_all;
	r->pool = pool_new(r->plan->nhosts, r->o->jobs, ops->connect, r, e);
	return r->pool != NULL ? 0 : -1;
}

void
run_clear(struct run *r)
{
	size_t i, k;

	/* Sessions first: they may still borrow keys. */
	for (i = 0; r->hosts != NULL && i < r->plan->nhosts; i++)
		session_free(r->hosts[i].session);
	pusher_free(r->pusher);
	for (i = 0; r->hosts != NULL && i < r->plan->nhosts; i++) {
		for (k = 0; k < r->hosts[i].nkeys &&
		    !r->hosts[i].shares_key; k++)
			secret_free(r->hosts[i].keys[k]);
		free(r->hosts[i].keys);
	}
	free(r->hosts);
	free(r->way);
	fanout_clear(r);
	pool_free(r->pool);
	report_free(r->report);
	loop_timer_free(r->tick);
	loop_timer_free(r->limit);
	loop_free(r->loop);
	key_close(r->key);
	*r = (struct run){ 0 };
}

int
run_loop(struct run *r, struct err *e)
{
	int status;

	/* With nothing to do it is over before it begins. */
	if (!r->done && loop_run(r->loop, e) == -1)
		return -1;
	status = report_end(r->report);
	return r->status != 0 && status == 0 ? r->status : status;
}

static void
on_left(void *arg)
{
	struct run *r = arg;

	r->done = true;
	loop_stop(r->loop);
}

/* The pusher's session, if there is one, ends before we do. */
void
run_done(struct run *r)
{
	if (r->pusher == NULL || !pusher_leave(r->pusher, on_left, r))
		on_left(r);
}

void
run_spec(struct run *r, struct run_host *h, struct session_spec *s)
{
	*s = (struct session_spec){ .dest = h->ph->here ? NULL : h->ph->dest,
	    .become = r->o->become, .ssh = &r->ssh,
	    .connect_ms = r->o->connect_ms, .arg = h };
}

int
run_keys(struct run *r, struct run_host *h, struct err *e)
{
	size_t n = plan_rows(r->plan, h->i);

	h->keys = calloc(n, sizeof(struct secret *));
	if (h->keys == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	h->shares_key = key_fixed(r->key) != NULL;
	for (; h->nkeys < n; h->nkeys++) {
		h->keys[h->nkeys] = h->shares_key ? key_fixed(r->key) :
		    key_random(e);
		if (h->keys[h->nkeys] == NULL)
			return -1;
	}
	return 0;
}

int
run_send_keys(struct run_host *h, struct child *c, struct err *e)
{
	size_t i;

	for (i = 0; i < h->nkeys; i++)
		if (child_send_secret(c, secret_data(h->keys[i]),
		    secret_len(h->keys[i]), NULL, NULL, e) == -1 ||
		    child_send(c, "\n", 1, e) == -1)
			return -1;
	return 0;
}

void
run_state(struct run_host *h, enum progress_kind kind, const char *state,
    const char *detail)
{
	if (!h->ended)
		report_state(h->run->report, h->i, kind, state, detail);
}

void
run_host_end(struct run_host *h, enum report_verdict v, const char *state,
    const char *detail)
{
	static const enum progress_kind kinds[] = {
		[REPORT_OPEN] = PROGRESS_BAD, [REPORT_OK] = PROGRESS_GOOD,
		[REPORT_FAILED] = PROGRESS_BAD, [REPORT_LATER] = PROGRESS_BAD,
		[REPORT_NOTHING] = PROGRESS_WAIT,
	};
	struct run *r = h->run;

	if (h->ended)
		return;
	run_state(h, kinds[v], state, detail);
	report_verdict(r->report, h->i, v);
	h->ended = true;
	if (r->pool != NULL)
		pool_release(r->pool, h->i);
	if (--r->left == 0 && r->on_all != NULL)
		r->on_all(r);
}

void
run_host_lost(struct run_host *h, const struct session_end *end)
{
	bool later = end->timed_out || end->fail == SSHFAIL_UNREACHABLE ||
	    end->fail == SSHFAIL_LOST;
	char detail[320];

	/* ssh knows no more, or it would have said so and ended. */
	if (end->timed_out && !end->had_event)
		snprintf(detail, sizeof(detail), "%s: no answer within %g s",
		    sshargv_failname(SSHFAIL_UNREACHABLE),
		    (double)h->run->o->connect_ms / 1000);
	else if (end->fail != SSHFAIL_OTHER)
		snprintf(detail, sizeof(detail), "%s: %s",
		    sshargv_failname(end->fail), end->why);
	else
		snprintf(detail, sizeof(detail), "%s", end->why);
	run_host_end(h, later ? REPORT_LATER : REPORT_FAILED, "failed",
	    detail);
}

void
run_refused(struct run_host *h, const char *text)
{
	bool busy = strncmp(text, "busy ", 5) == 0;
	const char *words = strchr(text, ' ');

	words = words != NULL ? words + 1 : text;
	run_host_end(h, busy ? REPORT_LATER : REPORT_FAILED, "failed",
	    words[0] != '\0' ? words : "refused, but not why");
}
