/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pipe.h"
#include "remote/remote.h"
#include "ui/log.h"
#include "ways.h"

#define PUSHES_MAX 64		/* csync2 processes at once on the pusher */

static struct pipe_run *
way(struct run *r)
{
	return r->way;
}

static void try_all(struct run *r);

static void
fail_all(struct run *r, enum report_verdict v, const char *why)
{
	size_t i;

	for (i = 0; i < r->plan->nhosts; i++)
		run_host_end(&r->hosts[i], v, "failed", why);
}

/* Both halves are over: what became of this receiver. */
void
pipe_judge(struct run_host *h)
{
	struct pipe_host *p = pipe_of(h);
	char detail[512];

	if (!p->job_over || !p->session_over || h->ended)
		return;
	loop_timer_free(p->deadline);
	p->deadline = NULL;
	if (p->rc == 0 && p->ndirty == 0 && p->why[0] == '\0') {
		run_host_end(h, REPORT_OK, "synced", NULL);
		return;
	}
	if (p->strangers > 0)
		snprintf(detail, sizeof(detail), "someone else connected to "
		    "the forwarded port on the pushing host: %s", p->said);
	else if (p->why[0] != '\0')
		snprintf(detail, sizeof(detail), "%s", p->why);
	else if (p->answer.last[0] != '\0')
		snprintf(detail, sizeof(detail), "csync2 there: %s",
		    p->answer.last);
	else if (p->noted[0] != '\0')
		snprintf(detail, sizeof(detail), "csync2 there: %s",
		    p->noted);
	else if (p->said[0] != '\0')
		snprintf(detail, sizeof(detail), "csync2: %s", p->said);
	else
		snprintf(detail, sizeof(detail), "csync2 ended with status "
		    "%u, %zu files stayed dirty", p->rc, p->ndirty);
	run_host_end(h, p->later ? REPORT_LATER : REPORT_FAILED, "failed",
	    detail);
}

static void
job_over(struct run_host *h, unsigned rc)
{
	struct pipe_host *p = pipe_of(h);

	if (p->job_over)
		return;
	p->job_over = true;
	p->rc = rc;
	if (p->job)
		way(h->run)->jobs--;
	/* Nothing was to be pushed: nobody ever connected. Otherwise the
	 * other half has seen end of file, and ends when its actions do. */
	if (!p->session_over && p->relay == NULL)
		child_close_stdin(session_child(h->session));
	pipe_judge(h);
}

static void
on_deadline(void *arg)
{
	struct run_host *h = arg;
	struct pipe_host *p = pipe_of(h);
	struct err e = ERR_INIT;

	(void)pusher_stop(h->run->pusher, h->i, &e);
	snprintf(p->why, sizeof(p->why), "%s not done within %g s "
	    "(--host-timeout)", p->job_over ? "its actions were" : "it was",
	    (double)h->run->o->host_ms / 1000);
	run_host_end(h, REPORT_LATER, "failed", p->why);
	relay_free(p->relay);		/* it borrows the session's child */
	p->relay = NULL;
	session_free(h->session);
	h->session = NULL;
	p->session_over = true;
	job_over(h, 1);
	/* Its place is free, whether the pusher says that it ended or not. */
	try_all(h->run);
}

/* Starts the job of a receiver whose csync2 waits, if there is room. */
void
pipe_try_push(struct run_host *h)
{
	struct pipe_host *p = pipe_of(h);
	struct run *r = h->run;
	struct err e = ERR_INIT;
	char args[64];

	if (!h->ready || h->ended || p->job || p->port == 0 ||
	    way(r)->jobs >= PUSHES_MAX)
		return;
	snprintf(args, sizeof(args), "%zu %u", h->ph->set, p->port);
	p->deadline = loop_timer_new(r->loop, r->o->host_ms, 0, on_deadline,
	    h, &e);
	if (p->deadline == NULL || pusher_job(r->pusher, h->i, args, h->keys,
	    h->nkeys, &e) == -1) {
		run_host_end(h, REPORT_FAILED, "failed", e.msg);
		return;
	}
	p->job = true;
	way(r)->jobs++;
	run_state(h, PROGRESS_RUN, "reading", NULL);
	pool_release(r->pool, h->i);
}

static void
try_all(struct run *r)
{
	struct pipe_run *w = way(r);
	size_t i;

	while (w->settled < r->plan->nhosts && (w->hosts[w->settled].job ||
	    r->hosts[w->settled].ended))
		w->settled++;
	for (i = w->settled; i < r->plan->nhosts && w->jobs < PUSHES_MAX; i++)
		if (r->hosts[i].ready)
			pipe_try_push(&r->hosts[i]);
}

/* A group's name as a part of a file name. */
static int
add_name(struct buf *out, const char *name)
{
	const unsigned char *p;
	int rc = 0;

	for (p = (const unsigned char *)name; *p != '\0'; p++)
		if (isalnum(*p) || *p == '_' || *p == '-')
			rc |= buf_addc(out, (char)*p);
		else
			rc |= buf_addf(out, "%%%02x", *p);
	return rc;
}

/* Where the pusher keeps the scans of a set: STATE/HOST/CONFIG.GROUP… */
static int
set_dir(const struct run *r, size_t set, struct buf *out)
{
	const struct plan_set *s = &r->plan->sets[set];
	size_t i;
	int rc;

	if (strcmp(r->o->state_dir, "-") == 0)
		return buf_adds(out, "-");
	rc = buf_addf(out, "%s/", r->o->state_dir);
	rc |= add_name(out, r->plan->hosts[r->plan->pusher].name);
	rc |= buf_addc(out, '/');
	rc |= add_name(out, r->o->cfg_name != NULL ? r->o->cfg_name :
	    "csync2");
	for (i = 0; i < s->ngroups; i++) {
		rc |= buf_addc(out, '.');
		rc |= add_name(out, s->groups[i]->name);
	}
	return rc;
}

/* A receiver of the set: for the pusher they are all alike. */
static const char *
any_of(const struct run *r, size_t set)
{
	size_t i;

	for (i = 0; i < r->plan->nhosts; i++)
		if (!r->plan->hosts[i].pushes && r->plan->hosts[i].set == set)
			break;
	return r->plan->hosts[i].name;
}

static void
on_scan_limit(void *arg)
{
	struct run *r = arg;
	char why[160];

	snprintf(why, sizeof(why), "the scan on the pushing host was not "
	    "done within %g s (--scan-timeout)", (double)r->o->scan_ms / 1000);
	pusher_quit(r->pusher);
	fail_all(r, REPORT_LATER, why);
}

static void
on_ready(void *arg)
{
	struct run *r = arg;
	const char *me = r->hosts[r->plan->pusher].ph->name;
	const char *any;
	struct buf conf, dir;
	struct err e = ERR_INIT;
	size_t i;
	int rc = 0;

	buf_init(&conf, 1 << 20);
	buf_init(&dir, 4096);
	for (i = 0; rc == 0 && i < r->plan->nsets; i++) {
		const struct plan_set *s = &r->plan->sets[i];

		buf_clear(&conf);
		buf_clear(&dir);
		any = any_of(r, i);
		if (cfg_emit_pipe(r->cfg, s->groups, s->ngroups, me, any,
		    &conf, &e) == -1 || set_dir(r, i, &dir) == -1 ||
		    pusher_conf(r->pusher, i, s->ngroups, &conf, dir.data,
		    &e) == -1)
			rc = -1;
	}
	buf_clear(&conf);
	buf_clear(&dir);
	if (rc == 0) {
		way(r)->scan_limit = loop_timer_new(r->loop, r->o->scan_ms, 0,
		    on_scan_limit, r, &e);
		rc = way(r)->scan_limit != NULL ? 0 : -1;
	}
	if (rc == -1)
		fail_all(r, REPORT_FAILED, e.msg);
}

static void
scan_over(struct run *r)
{
	if (--way(r)->scans_left > 0)
		return;
	loop_timer_stop(way(r)->scan_limit);
	pool_run(r->pool);
}

static void
on_scanned(void *arg, size_t set, size_t nfiles)
{
	struct run *r = arg;

	if (set >= r->plan->nsets || way(r)->scans_left == 0)
		return;
	log_debug("set %zu: %zu files", set, nfiles);
	scan_over(r);
}

static void
on_scan_text(void *arg, size_t set, const char *text)
{
	struct run *r = arg;
	bool action = strncmp(text, "action ", 7) == 0;

	(void)set;
	report_line(r->report, r->plan->pusher, action ? "action" : "csync2",
	    action ? text + 7 : text);
}

static void
on_scan_failed(void *arg, size_t set, const char *text)
{
	struct run *r = arg;
	char detail[256];
	size_t i;

	if (set >= r->plan->nsets || way(r)->scans_left == 0)
		return;
	snprintf(detail, sizeof(detail), "the scan on the pushing host: %s",
	    text);
	for (i = 0; i < r->plan->nhosts; i++)
		if (!r->hosts[i].ph->pushes && r->hosts[i].ph->set == set)
			run_host_end(&r->hosts[i], REPORT_FAILED, "failed",
			    detail);
	scan_over(r);
}

/* csync2 -M: "chary", our names of both ends, the file; between them tabs. */
static const char *
file_of(const char *line)
{
	const char *p = line;
	int i;

	for (i = 0; i < 3 && p != NULL; i++) {
		p = strchr(p, '\t');
		p = p != NULL ? p + 1 : NULL;
	}
	return p != NULL ? p : line;
}

static void
on_text(void *arg, size_t job, const char *kind, const char *text)
{
	struct run *r = arg;
	struct pipe_host *p;

	if (job >= r->plan->nhosts)
		return;
	p = pipe_of(&r->hosts[job]);
	if (strcmp(kind, "dirty") == 0) {
		p->ndirty++;
		text = file_of(text);
	} else if (!pusher_is_sum(text)) {
		snprintf(p->said, sizeof(p->said), "%s", text);
	}
	report_line(r->report, job, strcmp(kind, "out") == 0 ? "csync2" :
	    kind, text);
}

static void
on_job_end(void *arg, size_t job, unsigned rc)
{
	struct run *r = arg;

	if (job >= r->plan->nhosts || !pipe_of(&r->hosts[job])->job)
		return;
	job_over(&r->hosts[job], rc);
	try_all(r);
}

static void
on_forward(void *arg, uint16_t remote, uint16_t local)
{
	struct run *r = arg;
	struct pipe_host *p;
	size_t i;

	for (i = 0; i < r->plan->nhosts; i++) {
		p = pipe_of(&r->hosts[i]);
		if (p->listen != NULL && listen_port(p->listen) == local)
			p->port = remote;
	}
	try_all(r);
}

static void
on_dead(void *arg, const char *why, bool later)
{
	fail_all(arg, later ? REPORT_LATER : REPORT_FAILED, why);
}

static void
pipe_stop(struct run *r)
{
	pusher_quit(r->pusher);
	fail_all(r, r->stop_verdict, r->stop_why);
}

/* A listener a receiver; with --from, the -R that leads to it. */
static int
listen_all(struct run *r, struct strv *forwards, struct err *e)
{
	bool local = r->hosts[r->plan->pusher].ph->here;
	struct pipe_host *p;
	size_t i;

	for (i = 0; i < r->plan->nhosts; i++) {
		p = pipe_of(&r->hosts[i]);
		if (r->hosts[i].ph->pushes)
			continue;
		p->listen = listen_tcp(r->loop, "127.0.0.1", 0,
		    receiver_accept, &r->hosts[i], e);
		if (p->listen == NULL)
			return -1;
		if (local)
			p->port = listen_port(p->listen);
		else if (strv_addf(forwards, "127.0.0.1:0:127.0.0.1:%u",
		    listen_port(p->listen)) == -1)
			return err_set(e, ERR_MEM, "out of memory");
	}
	return 0;
}

/* Where the actions that run on the pusher have their output. */
static int
log_vars(const struct run *r, struct strv *vars, struct err *e)
{
	struct strv logs = { 0 };
	size_t i, j;
	int rc = 0;

	for (i = 0; i < r->plan->nsets && rc == 0; i++) {
		const struct plan_set *s = &r->plan->sets[i];

		if (cfg_action_logs(s->groups, s->ngroups, &logs, e) == -1) {
			strv_clear(&logs);
			return -1;
		}
		for (j = 0; j < logs.n; j++)
			rc |= strv_addf(vars, "log%zu_%zu=%s", i, j,
			    logs.v[j]);
		strv_clear(&logs);
	}
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

int
pipe_start(struct run *r, struct err *e)
{
	static const struct run_ops ops = { receiver_connect, pipe_stop,
	    verify_or_done };
	const struct pusher_ops pusher = { .on_ready = on_ready,
	    .on_scanned = on_scanned, .on_scan_text = on_scan_text,
	    .on_scan_failed = on_scan_failed,
	    .on_text = on_text, .on_end = on_job_end,
	    .on_forward = on_forward, .on_dead = on_dead, .arg = r };
	struct strv forwards = { 0 };
	struct strv vars = { 0 };
	int rc = -1;

	if (run_begin(r, sizeof(struct pipe_run) + r->plan->nhosts *
	    sizeof(struct pipe_host), &ops, e) == -1)
		return -1;
	way(r)->scans_left = r->plan->nsets;
	if (listen_all(r, &forwards, e) == 0 && log_vars(r, &vars, e) == 0)
		rc = pusher_start(r, remote_script("push"), &vars,
		    r->hosts[r->plan->pusher].ph->here ? NULL : &forwards,
		    &pusher, e);
	strv_clear(&forwards);
	strv_clear(&vars);
	return rc;
}

void
pipe_clear(struct run *r)
{
	struct pipe_run *w = r->way;
	size_t i;

	for (i = 0; w != NULL && i < r->plan->nhosts; i++) {
		relay_free(w->hosts[i].relay);
		listen_free(w->hosts[i].listen);
		loop_timer_free(w->hosts[i].deadline);
	}
	if (w != NULL)
		loop_timer_free(w->scan_limit);
}
