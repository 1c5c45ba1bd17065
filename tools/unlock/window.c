/* SPDX-License-Identifier: ISC */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "holders.h"
#include "proc/child.h"
#include "pusher.h"
#include "ui/log.h"
#include "ways.h"

/*
 * A shared window: one key in every FIFO. Once each host is ready or has
 * failed, it is open: for our own push (--shared), for a command, or until
 * Ctrl-C and --for. Then every FIFO is locked again.
 */
struct window_host {
	struct holders *holders;
	bool ready, mentioned;
	size_t ndirty;
};

struct window {
	struct child *command;
	struct loop_timer *limit;
	size_t decided;			/* so many hosts, from the first, are
					 * ready or have ended: for good */
	bool open, closing, job;
	bool pushed;			/* our own csync2 came to its end */
	bool later;			/* what closed it may pass */
	const char *why;		/* of the closing */
	struct window_host hosts[];	/* as many as the plan has */
};

#define SHARED_JOB 0
/* The scripts count whole seconds. Theirs is the second lock, for when ours
 * fails: it must not close a window while we think it is open. */
#define LIMIT_GRACE_MS 2000

static struct window *
way(struct run *r)
{
	return r->way;
}

static struct window_host *
host_of(struct run_host *h)
{
	return &way(h->run)->hosts[h->i];
}

static void
close_window(struct run *r, const char *why)
{
	struct window *w = way(r);
	size_t i;

	if (w->closing)
		return;
	w->closing = true;
	w->why = why;
	pool_stop(r->pool);
	report_line(r->report, PLAN_NOBODY, "closing", why);
	for (i = 0; i < r->plan->nhosts; i++) {
		if (w->hosts[i].holders != NULL)
			holders_close(w->hosts[i].holders);
		else
			run_host_end(&r->hosts[i], REPORT_FAILED, "failed",
			    why);
	}
}

static void
on_limit(void *arg)
{
	struct run *r = arg;
	struct window *w = way(r);

	/* SIGTERM, and SIGKILL should it not go. */
	if (w->command != NULL)
		child_deadline(w->command, 1);
	if (w->command != NULL || w->job)
		r->status = 75;
	w->later = true;
	close_window(r, "the time limit is reached");
}

/* --- what happens while it is open --- */

/* A command may outlive the hosts: its end is ours then. */
static void
all_over(struct run *r)
{
	if (way(r)->command == NULL)
		verify_or_done(r);
}

static void
command_end(void *arg, const struct child_end *end)
{
	struct run *r = arg;
	bool hosts_over = r->left == 0;
	char why[64];

	child_free(way(r)->command);
	way(r)->command = NULL;
	if (end->status != 0) {
		child_why(end->status, why, sizeof(why));
		log_error("the command ended with %s", why);
		r->status = r->status != 0 ? r->status : 1;
	}
	close_window(r, "the command has ended");
	/* The hosts' end came earlier and had to wait for us. */
	if (hosts_over)
		all_over(r);
}

/* The names of the hosts in state, for the command's environment. */
static int
names(struct run *r, bool ready, struct buf *out)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < r->plan->nhosts; i++)
		if (way(r)->hosts[i].ready == ready) {
			rc |= out->len > 0 ? buf_addc(out, ' ') : 0;
			rc |= buf_adds(out, r->plan->hosts[i].name);
		}
	return rc;
}

static int
start_command(struct run *r, struct err *e)
{
	struct child_spec s = { .argv = r->o->command.v,
	    .io = { CHILD_INHERIT, CHILD_INHERIT, CHILD_INHERIT },
	    .on_end = command_end, .arg = r };
	struct buf ready, failed;
	int rc = -1;

	buf_init(&ready, 1 << 20);
	buf_init(&failed, 1 << 20);
	if (names(r, true, &ready) != 0 || names(r, false, &failed) != 0 ||
	    setenv("POSTERN_READY", ready.data, 1) == -1 ||
	    setenv("POSTERN_FAILED", failed.data, 1) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	way(r)->command = child_start(r->loop, &s, e);
	rc = way(r)->command != NULL ? 0 : -1;
out:
	buf_clear(&ready);
	buf_clear(&failed);
	return rc;
}

/* One csync2 on the pushing host, for every receiver that is ready. */
static int
start_push(struct run *r, struct err *e)
{
	struct buf peers;
	size_t i, any = 0;
	int rc = 0;

	buf_init(&peers, 65536);
	for (i = 0; i < r->plan->nhosts && rc == 0; i++) {
		if (!way(r)->hosts[i].ready)
			continue;
		if (any == 0)
			any = i + 1;
		rc |= peers.len > 0 ? buf_addc(&peers, ',') : 0;
		rc |= buf_adds(&peers, r->plan->hosts[i].peer);
		run_state(&r->hosts[i], PROGRESS_RUN, "pushing", NULL);
	}
	if (rc == 0)
		rc = pusher_fifo_job(r->pusher, &r->hosts[any - 1],
		    SHARED_JOB, peers.data, e);
	else
		err_set(e, ERR_MEM, "too many hosts for one csync2 -P");
	way(r)->job = rc == 0;
	buf_clear(&peers);
	return rc;
}

/* Opens once nobody is on the way any more. */
static void
maybe_open(struct run *r)
{
	struct window *w = way(r);
	struct err e = ERR_INIT;
	size_t i, ready = 0, failed = 0;
	char text[128];

	if (w->open || w->closing)
		return;
	while (w->decided < r->plan->nhosts && (w->hosts[w->decided].ready ||
	    r->hosts[w->decided].ended))
		w->decided++;
	if (w->decided < r->plan->nhosts)
		return;
	w->open = true;
	for (i = 0; i < r->plan->nhosts; i++) {
		ready += w->hosts[i].ready;
		failed += r->hosts[i].ended && !r->hosts[i].ph->pushes;
	}
	if (ready == 0) {
		close_window(r, "no host is ready");
		return;
	}
	snprintf(text, sizeof(text), "%zu hosts are open%s", ready,
	    failed > 0 ? "; csync2 will wait at those that failed" : "");
	report_line(r->report, PLAN_NOBODY, "open", text);
	if ((r->o->action == UNLOCK_COMMAND && start_command(r, &e) == -1) ||
	    (r->o->action == UNLOCK_PUSH && start_push(r, &e) == -1)) {
		r->status = log_err(&e);
		close_window(r, "nothing could be started");
	}
}

/* --- the holders --- */

static void
on_checked(struct run_host *h)
{
	if (!way(h->run)->closing)
		holders_feed(host_of(h)->holders);
}

static void
on_ready(struct run_host *h)
{
	host_of(h)->ready = true;
	run_state(h, PROGRESS_RUN, "ready", NULL);
	pool_release(h->run->pool, h->i);
	maybe_open(h->run);
}

static void
on_closed(struct run_host *h)
{
	struct run *r = h->run;
	struct window *w = way(r);
	struct window_host *wh = host_of(h);
	bool push = r->o->action == UNLOCK_PUSH;
	unsigned n = holders_ended(wh->holders);
	char detail[128] = "";

	if (n > 0)
		snprintf(detail, sizeof(detail),
		    "%u csync2 sessions were ended with it", n);
	if (wh->ndirty > 0) {
		snprintf(detail, sizeof(detail), "%zu files stayed dirty%s",
		    wh->ndirty, HOLDERS_CONFLICT);
		run_host_end(h, REPORT_FAILED, "failed", detail);
	} else if (wh->mentioned) {
		run_host_end(h, REPORT_FAILED, "failed",
		    "not everything was pushed");
	} else if (w->closing && wh->ready &&
	    (push ? w->pushed : r->stops < 2)) {
		run_host_end(h, REPORT_OK, push ? "synced" : "closed",
		    detail);
	} else {
		/* A push that was cut short has synced nobody for sure. */
		run_host_end(h, w->later ? REPORT_LATER : REPORT_FAILED,
		    "failed", w->closing ? w->why :
		    "the window closed early");
	}
	wh->ready = false;
	if (!w->closing)
		maybe_open(r);
}

static void
connect_host(void *arg, size_t i)
{
	static const struct holders_ops ops = { on_checked, on_ready,
	    on_closed };
	struct run *r = arg;
	uint64_t limit_ms = r->o->for_ms > 0 ?
	    r->o->for_ms + LIMIT_GRACE_MS : 0;

	way(r)->hosts[i].holders = holders_connect(&r->hosts[i], limit_ms,
	    &ops);
	maybe_open(r);
}

/* --- our own push --- */

static void
pusher_ready(void *arg)
{
	struct run *r = arg;

	pool_run(r->pool);
}

/* Whom a line of csync2 -M is about: "chary", our name, the peer's, the
 * file; between them tabs. */
static struct run_host *
dirty_for(struct run *r, const char *line)
{
	const char *p = strchr(line, '\t');
	size_t i, len;

	p = p != NULL ? strchr(p + 1, '\t') : NULL;
	if (p == NULL)
		return NULL;
	len = strcspn(++p, "\t");
	for (i = 0; i < r->plan->nhosts; i++)
		if (strlen(r->plan->hosts[i].peer) == len &&
		    strncmp(r->plan->hosts[i].peer, p, len) == 0)
			return &r->hosts[i];
	return NULL;
}

/* Whom csync2's words are about: it names the peer, among others. */
static struct run_host *
about(struct run *r, const char *text)
{
	size_t i, len;
	const char *at;

	for (i = 0; i < r->plan->nhosts; i++) {
		if (r->plan->hosts[i].pushes)
			continue;
		len = strlen(r->plan->hosts[i].peer);
		at = strstr(text, r->plan->hosts[i].peer);
		if (at != NULL && (at == text || strchr(" \t", at[-1])) &&
		    (at[len] == '\0' || strchr(" \t:,", at[len])))
			return &r->hosts[i];
	}
	return NULL;
}

static void
on_text(void *arg, size_t job, const char *kind, const char *text)
{
	struct run *r = arg;
	bool dirty = strcmp(kind, "dirty") == 0;
	struct run_host *h = dirty ? dirty_for(r, text) : about(r, text);

	(void)job;
	/* Once it closes, what is not pushed is no fault of the host's. */
	if (h != NULL && !way(r)->closing) {
		host_of(h)->ndirty += dirty;
		host_of(h)->mentioned |= !dirty;
	}
	report_line(r->report, h != NULL ? h->i : PLAN_NOBODY,
	    dirty ? "dirty" : "csync2", text);
}

static void
on_job_end(void *arg, size_t job, unsigned rc)
{
	struct run *r = arg;

	(void)job;
	if (!way(r)->job)
		return;
	way(r)->job = false;
	/* The limit or a signal came first, and took its sessions away. */
	if (way(r)->closing)
		return;
	/* Killed (timeout's or the shell's status), it is no end. */
	way(r)->pushed = rc < 124;
	if (rc != 0) {
		log_error("csync2 ended with status %u on %s", rc,
		    r->hosts[r->plan->pusher].ph->name);
		r->status = 1;
	}
	close_window(r, way(r)->pushed ? "the push is over" :
	    "csync2 was cut short");
}

static void
on_dead(void *arg, const char *why, bool later)
{
	struct run *r = arg;

	if (!way(r)->closing) {
		log_error("%s", why);
		r->status = later ? 75 : 1;
		way(r)->later = later;
	}
	close_window(r, "the pushing host is gone");
}

/* --- start and end --- */

static void
stop(struct run *r)
{
	struct window *w = way(r);

	/* Holding ends by Ctrl-C; that is no failure. A command has got the
	 * signal itself and decides when it is done. */
	if (r->o->action == UNLOCK_HOLD && w->open)
		r->status = 0;
	if (w->command != NULL) {
		/* But this one, which nobody sends to a whole terminal. */
		if (r->signo == SIGTERM)
			child_kill(w->command, SIGTERM);
		return;
	}
	if (w->job)
		pusher_quit(r->pusher);
	close_window(r, "interrupted");
}

int
window_start(struct run *r, struct err *e)
{
	static const struct run_ops ops = { connect_host, stop, all_over };
	const struct pusher_ops pusher = { .on_ready = pusher_ready,
	    .on_text = on_text, .on_end = on_job_end, .on_dead = on_dead,
	    .arg = r };

	if (run_begin(r, sizeof(struct window) + r->plan->nhosts *
	    sizeof(struct window_host), &ops, e) == -1 ||
	    key_fix(r->key, e) == -1)
		return -1;
	if (r->o->for_ms > 0) {
		way(r)->limit = loop_timer_new(r->loop, r->o->for_ms, 0,
		    on_limit, r, e);
		if (way(r)->limit == NULL)
			return -1;
	}
	if (r->o->action == UNLOCK_PUSH)
		return pusher_fifo_start(r, &pusher, e);
	pool_run(r->pool);
	return 0;
}

void
window_clear(struct run *r)
{
	struct window *w = r->way;
	size_t i;

	if (w == NULL)
		return;
	for (i = 0; i < r->plan->nhosts; i++)
		holders_free(w->hosts[i].holders);
	child_free(w->command);
	loop_timer_free(w->limit);
}
