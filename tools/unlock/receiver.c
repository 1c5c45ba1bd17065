/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pipe.h"
#include "remote/remote.h"
#include "ui/log.h"

/* csync2 there has ended, its actions with it. 124, 137: timeout(1). */
static void
on_done(struct run_host *h, const char *text)
{
	struct pipe_host *p = pipe_of(h);

	p->done = true;
	if (strcmp(text, "124") != 0 && strcmp(text, "137") != 0)
		return;
	p->later = true;
	snprintf(p->why, sizeof(p->why), "csync2 there was not done within "
	    "%g s (--host-timeout)", (double)h->run->o->host_ms / 1000);
}

static void
recv_event(void *arg, const char *ev, const char *text)
{
	struct run_host *h = arg;

	if (strcmp(ev, "ready") == 0 && !h->ready) {
		h->ready = true;
		session_run_ms(h->session, 0);
		/* Until csync2 has connected, nobody takes what comes. */
		child_pause(session_child(h->session), true);
		session_raw(h->session);
		run_state(h, PROGRESS_RUN, "ready", NULL);
		pipe_try_push(h);
	} else if (strcmp(ev, "refuse") == 0) {
		run_refused(h, text);
	} else if (strcmp(ev, "action") == 0 || strcmp(ev, "note") == 0) {
		if (*ev == 'n')
			snprintf(pipe_of(h)->noted, sizeof(pipe_of(h)->noted),
			    "%s", text);
		report_line(h->run->report, h->i, ev, text);
	} else if (strcmp(ev, "done") == 0) {
		on_done(h, text);
	} else {
		log_debug("%s: %s %s", h->ph->name, ev, text);
	}
}

static void
recv_noise(void *arg, enum child_stream s, const char *line)
{
	struct run_host *h = arg;

	(void)s;
	log_debug("%s: %s", h->ph->name, line);
}

static void
recv_raw(void *arg, const void *data, size_t len)
{
	struct pipe_host *p = pipe_of(arg);

	answer_feed(&p->answer, data, len);
	if (p->relay != NULL)
		relay_raw(p->relay, data, len);
}

static void
recv_raw_eof(void *arg)
{
	struct pipe_host *p = pipe_of(arg);

	if (p->relay != NULL)
		relay_raw_eof(p->relay);
}

static void
recv_drain(void *arg)
{
	struct pipe_host *p = pipe_of(arg);

	if (p->relay != NULL)
		relay_drain(p->relay);
}

static void
recv_end(void *arg, const struct session_end *end)
{
	struct run_host *h = arg;
	struct pipe_host *p = pipe_of(h);
	struct err e = ERR_INIT;

	p->session_over = true;
	if (p->relay != NULL)
		relay_child_end(p->relay);
	if (!p->job) {
		run_host_lost(h, end);
	} else if (!p->done) {
		p->later = end->fail == SSHFAIL_LOST ||
		    end->fail == SSHFAIL_UNREACHABLE;
		snprintf(p->why, sizeof(p->why), "%.220s%s", end->why,
		    p->job_over ? ", while its actions ran" : "");
	}
	if (p->job && !p->job_over) {
		/* Its csync2 has lost its peer; don't wait for it to see. */
		(void)pusher_stop(h->run->pusher, h->i, &e);
	}
	pipe_judge(h);
}

static int
send_receiver(struct run_host *h, struct err *e)
{
	struct run *r = h->run;
	const struct plan_set *set = &r->plan->sets[h->ph->set];
	struct child *c = session_child(h->session);
	struct buf conf;
	int rc = -1;

	buf_init(&conf, 1 << 20);
	if (cfg_emit_pipe(r->cfg, set->groups, set->ngroups,
	    r->hosts[r->plan->pusher].ph->name, h->ph->name, &conf, e) == 0 &&
	    buf_adds(&conf, "#END\n") == 0 &&
	    child_send(c, conf.data, conf.len, e) == 0)
		rc = run_send_keys(h, c, e);
	buf_clear(&conf);
	return rc;
}

static int
receiver_vars(struct run_host *h, struct strv *vars, struct err *e)
{
	const struct plan_set *set = &h->run->plan->sets[h->ph->set];
	struct strv logs = { 0 };
	size_t i;
	int rc = 0;

	if (cfg_action_logs(set->groups, set->ngroups, &logs, e) == -1)
		return -1;
	rc |= strv_addf(vars, "deadline_s=%llu",
	    (unsigned long long)((h->run->o->host_ms + 999) / 1000));
	rc |= strv_addf(vars, "nkeys=%zu", h->nkeys);
	rc |= strv_addf(vars, "nlogs=%zu", logs.n);
	for (i = 0; i < logs.n; i++)
		rc |= strv_addf(vars, "log%zu=%s", i, logs.v[i]);
	strv_clear(&logs);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

void
receiver_connect(void *arg, size_t i)
{
	struct run *r = arg;
	struct run_host *h = &r->hosts[i];
	struct session_spec s;
	struct strv vars = { 0 };
	struct err e = ERR_INIT;

	if (h->ended || h->ph->pushes) {
		pool_release(r->pool, i);
		return;
	}
	run_state(h, PROGRESS_RUN, "connecting", NULL);
	run_spec(r, h, &s);
	s.script = remote_script("receive");
	s.vars = &vars;
	/* Saying anything is not being ready. */
	s.run_ms = r->o->connect_ms;
	s.on_event = recv_event;
	s.on_noise = recv_noise;
	s.on_raw = recv_raw;
	s.on_raw_eof = recv_raw_eof;
	s.on_drain = recv_drain;
	s.on_end = recv_end;
	if (run_keys(r, h, &e) == -1 || receiver_vars(h, &vars, &e) == -1)
		goto fail;
	h->session = session_start(r->loop, &s, &e);
	if (h->session == NULL || send_receiver(h, &e) == -1)
		goto fail;
	strv_clear(&vars);
	return;
fail:
	strv_clear(&vars);
	run_host_end(h, REPORT_FAILED, "failed", e.msg);
}

static void
relay_over(void *arg, const struct relay_end *end)
{
	struct run_host *h = arg;

	log_debug("%s: %llu bytes there, %llu back", h->ph->name,
	    (unsigned long long)end->to_child,
	    (unsigned long long)end->to_socket);
}

void
receiver_accept(void *arg, int fd)
{
	struct run_host *h = arg;
	struct pipe_host *p = pipe_of(h);
	struct run *r = h->run;
	struct err e = ERR_INIT;
	uid_t uid, want;

	/* With --from our own ssh connects, otherwise csync2 as root. */
	want = r->o->become != NULL && r->hosts[r->plan->pusher].ph->here ?
	    0 : geteuid();
	if (listen_peer_uid(fd, &uid, &e) == -1 || uid != want) {
		log_warn("%s: a connection of uid %d is none of ours: closed",
		    h->ph->name, e.code == ERR_NONE ? (int)uid : -1);
		close(fd);
		return;
	}
	if (p->relay != NULL || !p->job || p->session_over) {
		/* Or csync2, come when its receiver had gone. */
		if (p->relay != NULL || !p->job)
			p->strangers++;
		close(fd);
		return;
	}
	p->relay = relay_start(r->loop, fd, session_child(h->session),
	    relay_over, h, &e);
	if (p->relay == NULL)
		run_host_end(h, REPORT_FAILED, "failed", e.msg);
}
