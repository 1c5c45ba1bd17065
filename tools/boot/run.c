/* SPDX-License-Identifier: ISC */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/esc.h"
#include "ui/log.h"

#define TICK_MS 100

void
run_ended(struct run_host *h)
{
	struct run *r = h->run;

	if (h->ended)
		return;
	h->ended = true;
	r->left--;
	if (r->left == 0)
		loop_stop(r->loop);
	if (r->pool != NULL)
		pool_release(r->pool, h->i);
}

void
run_fail(struct run_host *h, bool again, const char *state, const char *why)
{
	bootreport_state(h->run->report, h->i, PROGRESS_BAD, state, why);
	bootreport_verdict(h->run->report, h->i, again ? BOOTREPORT_LATER :
	    BOOTREPORT_FAILED);
	run_ended(h);
}

void
run_halt(struct run *r)
{
	size_t i;

	pool_stop(r->pool);
	for (i = 0; i < r->o->hosts.n; i++)
		if (!r->hosts[i].begun && !r->hosts[i].ended)
			run_fail(&r->hosts[i], true, "left out",
			    "after a rejection elsewhere; --keep-going");
}

static void
on_signal(void *arg, int signo)
{
	struct run *r = arg;

	(void)signo;
	r->stopped = true;
	loop_stop(r->loop);
}

static void
on_tick(void *arg)
{
	struct run *r = arg;

	bootreport_tick(r->report, loop_now_ms(r->loop));
}

struct step {
	struct run *run;
	void (*start)(struct run_host *h);
};

static void
begin(void *arg, size_t i)
{
	struct step *s = arg;
	struct run_host *h = &s->run->hosts[i];

	if (h->ended) {
		pool_release(s->run->pool, i);
		return;
	}
	h->begun = true;
	s->start(h);
}

static int
step_loop(struct run *r, struct step *s, struct err *e)
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
	r->pool = pool_new(r->o->hosts.n, r->o->jobs, begin, s, e);
	if (r->pool == NULL)
		return -1;
	pool_run(r->pool);
	return r->left > 0 ? loop_run(r->loop, e) : 0;
}

int
run_step(struct run *r, bool (*wants)(const struct run_host *h),
    void (*start)(struct run_host *h), struct err *e)
{
	struct step s = { .run = r, .start = start };
	struct run_host *h;
	size_t i;
	int rc = 0;

	r->left = 0;
	for (i = 0; i < r->o->hosts.n; i++) {
		h = &r->hosts[i];
		h->begun = false;
		h->ended = !wants(h);
		r->left += !h->ended;
	}
	if (r->left > 0)
		rc = step_loop(r, &s, e);
	for (i = 0; i < r->o->hosts.n; i++) {
		call_free(r->hosts[i].call);
		r->hosts[i].call = NULL;
	}
	pool_free(r->pool);
	loop_free(r->loop);
	r->pool = NULL;
	r->loop = NULL;
	return rc;
}

/* Listing, and looking at the screen */

static bool
all(const struct run_host *h)
{
	(void)h;
	return true;
}

static void
on_line(void *arg, const struct bootline *l)
{
	struct run_host *h = arg;
	struct run *r = h->run;
	size_t i;

	if (l->kind == BOOTLINE_SCREEN && r->o->action == BOOT_PEEK)
		bootreport_screen(r->report, h->i, l->text);
	if (l->kind == BOOTLINE_LOG && r->o->action == BOOT_LOG)
		bootreport_log(r->report, h->i, &l->log);
	if (l->kind != BOOTLINE_PROMPT || h->nprompts == RUN_PROMPTS)
		return;
	for (i = 0; i < h->nprompts; i++)
		if (strcmp(h->prompts[i].id, l->prompt.id) == 0)
			h->twice = true;
	if (h->twice)
		return;
	h->prompts[h->nprompts++] = l->prompt;
	bootreport_prompt(r->report, h->i, &l->prompt);
}

static void
on_end(void *arg, const struct call_end *end)
{
	struct run_host *h = arg;
	struct run *r = h->run;
	char detail[32];

	if (!end->whole) {
		run_fail(h, end->again, end->again ? "unreachable" : "failed",
		    end->why);
		return;
	}
	if (h->twice) {
		run_fail(h, false, "failed", "it lists one prompt twice");
		return;
	}
	snprintf(detail, sizeof(detail), "%zu", h->nprompts);
	if (r->o->action == BOOT_PEEK || r->o->action == BOOT_LOG) {
		bootreport_state(r->report, h->i, PROGRESS_GOOD, "seen", NULL);
	} else if (h->nprompts == 0 && r->o->action == BOOT_UNLOCK) {
		/* sshd may be up before the prompt. */
		run_fail(h, true, "idle", "no prompt waits there");
		return;
	} else if (h->nprompts == 0) {
		bootreport_state(r->report, h->i, PROGRESS_GOOD, "idle",
		    "no prompt waits there");
	} else {
		bootreport_state(r->report, h->i, PROGRESS_RUN, "prompts",
		    detail);
	}
	if (r->o->action != BOOT_UNLOCK)
		bootreport_verdict(r->report, h->i, BOOTREPORT_OK);
	run_ended(h);
}

static const struct bootcmd *
first_command(const struct run *r)
{
	static const struct bootcmd first[] = {
		[BOOT_UNLOCK] = { .verb = BOOTCMD_LIST },
		[BOOT_STATUS] = { .verb = BOOTCMD_LIST },
		[BOOT_PEEK] = { .verb = BOOTCMD_PEEK },
		[BOOT_LOG] = { .verb = BOOTCMD_LOG },
	};

	return &first[r->o->action];
}

static void
start(struct run_host *h)
{
	struct run *r = h->run;
	const struct call_spec s = { .o = r->o, .known_hosts = r->pins.data,
	    .dest = r->o->hosts.v[h->i], .cmd = first_command(r),
	    .on_line = on_line, .on_end = on_end, .arg = h };
	struct err e = ERR_INIT;

	bootreport_state(r->report, h->i, PROGRESS_RUN, "connecting", NULL);
	h->call = call_start(r->loop, &s, &e);
	if (h->call == NULL)
		run_fail(h, false, "failed", e.msg);
}

/* The whole */

static int
show(const struct run *r, struct err *e)
{
	struct strv argv;
	struct buf b;
	size_t i, j;
	int rc = 0;

	for (i = 0; i < r->o->hosts.n && rc == 0; i++) {
		const struct call_spec s = { .o = r->o,
		    .known_hosts = r->pins.data, .dest = r->o->hosts.v[i],
		    .cmd = first_command(r) };

		argv = (struct strv){ .n = 0 };
		buf_init(&b, 65536);
		rc = call_argv(&s, &argv, e);
		for (j = 0; j < argv.n && rc == 0; j++)
			if ((j > 0 && buf_addc(&b, ' ') == -1) ||
			    esc_sh(&b, argv.v[j]) == -1)
				rc = err_set(e, ERR_MEM, "out of memory");
		if (rc == 0 && (puts(b.data) == EOF || fflush(stdout) == EOF))
			rc = err_sys(e, "standard output");
		strv_clear(&argv);
		buf_clear(&b);
	}
	return rc;
}

static int
init(struct run *r, const struct boot_opts *o, struct err *e)
{
	struct run_host *h;
	size_t i;

	r->o = o;
	buf_init(&r->pins, 4096);
	if (o->known_hosts == NULL && bootpins_path(&r->pins, e) == -1)
		return -1;
	r->hosts = calloc(o->hosts.n, sizeof(*r->hosts));
	if (r->hosts == NULL || (o->known_hosts != NULL &&
	    buf_adds(&r->pins, o->known_hosts) == -1))
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < o->hosts.n; i++) {
		h = &r->hosts[i];
		h->run = r;
		h->i = i;
		h->prompts = calloc(RUN_PROMPTS, sizeof(*h->prompts));
		h->secrets = calloc(RUN_PROMPTS, sizeof(*h->secrets));
		if (h->prompts == NULL || h->secrets == NULL)
			return err_set(e, ERR_MEM, "out of memory");
	}
	return 0;
}

static void
clear(struct run *r)
{
	size_t i, j;

	for (i = 0; r->hosts != NULL && i < r->o->hosts.n; i++) {
		for (j = 0; r->hosts[i].secrets != NULL && j < RUN_PROMPTS;
		    j++)
			secret_free(r->hosts[i].secrets[j]);
		free(r->hosts[i].prompts);
		free(r->hosts[i].secrets);
	}
	free(r->hosts);
	secret_free(r->shared);
	bootreport_free(r->report);
	buf_clear(&r->pins);
}

int
run_boot(const struct boot_opts *o, struct err *e)
{
	struct run r = { .o = o };
	int status = -1;

	if (init(&r, o, e) == -1)
		goto out;
	if (o->dry_run) {
		status = show(&r, e);
		goto out;
	}
	r.report = bootreport_new(o, e);
	if (r.report == NULL || run_step(&r, all, start, e) == -1)
		goto out;
	if (o->action == BOOT_UNLOCK && !r.stopped &&
	    unlock_prompts(&r, e) == -1)
		goto out;
	if (r.stopped)
		log_warn("interrupted: what was begun on a host ends there");
	status = bootreport_end(r.report);
out:
	clear(&r);
	return status;
}
