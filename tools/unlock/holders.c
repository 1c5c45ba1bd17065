/* SPDX-License-Identifier: ISC */
#include "holders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "remote/remote.h"
#include "ui/log.h"

#define BEAT_MS 1000
#define CLOSE_MS 5000
#define SPARE ((size_t)-1)

enum holder_state { HOLDER_START, HOLDER_CHECKED, HOLDER_READY,
	HOLDER_CLOSED };

struct holder {
	struct holders *all;
	struct session *session;
	const char *fifo;		/* borrowed from the plan, or spares */
	size_t key;			/* of the host's, or SPARE */
	enum holder_state state;
	bool closing, over;
};

struct holders {
	struct run_host *h;
	struct holders_ops ops;
	struct holder *v;
	size_t n;
	struct strv spares;		/* FIFOs of groups that stay locked */
	struct secret *spare;		/* what these get: opens nothing */
	bool fed;
	unsigned ended;
};

static size_t
count_at_least(const struct holders *hs, enum holder_state s)
{
	size_t i, n = 0;

	for (i = 0; i < hs->n; i++)
		n += hs->v[i].state >= s;
	return n;
}

static void
reach(struct holder *d, enum holder_state s, void (*fn)(struct run_host *h))
{
	struct holders *hs = d->all;

	if (d->state >= s)
		return;
	d->state = s;
	/* A late word does not put off the end. */
	if (!d->closing)
		session_run_ms(d->session, 0);
	if (count_at_least(hs, s) == hs->n && !hs->h->ended)
		fn(hs->h);
}

static void
on_event(void *arg, const char *ev, const char *text)
{
	struct holder *d = arg;
	struct holders *hs = d->all;
	uint64_t n;

	if (strcmp(ev, "checked") == 0)
		reach(d, HOLDER_CHECKED, hs->ops.on_checked);
	else if (strcmp(ev, "ready") == 0 && hs->fed)
		/* Before, there is no key that it could be ready with. */
		reach(d, HOLDER_READY, hs->ops.on_ready);
	else if (strcmp(ev, "read") == 0)
		run_state(hs->h, PROGRESS_RUN, "reading", NULL);
	else if (strcmp(ev, "refuse") == 0 && !d->closing)
		run_refused(hs->h, text);
	else if (strcmp(ev, "note") == 0)
		report_line(hs->h->run->report, hs->h->i, "note", text);
	else if (strcmp(ev, "closed") == 0) {
		d->state = HOLDER_CLOSED;
		if (num_u64(text, "sessions", 0, 65535, &n, NULL) == 0)
			hs->ended += (unsigned)n;
	}
}

static void
on_noise(void *arg, enum child_stream s, const char *line)
{
	struct holder *d = arg;

	(void)s;
	log_debug("%s: %s", d->all->h->ph->name, line);
}

static void
on_end(void *arg, const struct session_end *end)
{
	struct holder *d = arg;
	struct holders *hs = d->all;
	size_t i;

	d->over = true;
	/* One that was never fed has no farewell, and nothing to close. */
	if (!d->closing || d->state == HOLDER_READY)
		run_host_lost(hs->h, end);
	for (i = 0; i < hs->n; i++)
		if (!hs->v[i].over) {
			/* One FIFO less is no window: the others close too. */
			holders_close(hs);
			return;
		}
	hs->ops.on_closed(hs->h);
}

static int
start(struct holder *d, uint64_t limit_ms, struct err *e)
{
	struct run_host *h = d->all->h;
	struct session_spec s;
	struct strv vars = { 0 };
	int rc = -1;

	run_spec(h->run, h, &s);
	s.script = remote_script("holder");
	s.vars = &vars;
	s.beat_ms = BEAT_MS;
	s.run_ms = h->run->o->connect_ms;
	s.on_event = on_event;
	s.on_noise = on_noise;
	s.on_end = on_end;
	s.arg = d;
	if (strv_addf(&vars, "fifo=%s", d->fifo) == -1 ||
	    (d->key == SPARE && strv_add(&vars, "spare=1") == -1) ||
	    strv_addf(&vars, "limit_s=%llu",
	    (unsigned long long)((limit_ms + 999) / 1000)) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	d->session = session_start(h->run->loop, &s, e);
	rc = d->session != NULL ? 0 : -1;
out:
	strv_clear(&vars);
	return rc;
}

/* One holder for each FIFO, however many groups use it. */
static void
add_fifo(struct holders *hs, const char *fifo, size_t key)
{
	size_t i;

	for (i = 0; i < hs->n; i++)
		if (strcmp(hs->v[i].fifo, fifo) == 0)
			return;
	hs->v[hs->n++] = (struct holder){ .all = hs, .fifo = fifo,
	    .key = key };
}

/* The FIFOs of the chosen groups, then those that csync2 reads besides. */
static int
add_fifos(struct holders *hs, struct err *e)
{
	const struct run_host *h = hs->h;
	const struct run *r = h->run;
	const struct plan_row *row;
	size_t i = 0;

	if (plan_spare_keys(r->o, r->cfg, r->plan, h->i, &hs->spares,
	    e) == -1)
		return -1;
	if (hs->spares.n > 0 && (hs->spare = key_random(e)) == NULL)
		return -1;
	hs->v = calloc(plan_rows(r->plan, h->i) + hs->spares.n,
	    sizeof(*hs->v));
	if (hs->v == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (row = plan_first(r->plan, h->i); row != NULL;
	    row = plan_next(r->plan, row))
		add_fifo(hs, row->key, i++);
	for (i = 0; i < hs->spares.n; i++)
		add_fifo(hs, hs->spares.v[i], SPARE);
	return 0;
}

static struct holders *
connect_all(struct run_host *h, uint64_t limit_ms,
    const struct holders_ops *ops, struct err *e)
{
	struct holders *hs;
	size_t i;

	hs = calloc(1, sizeof(*hs));
	if (hs == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	hs->h = h;
	hs->ops = *ops;
	if (add_fifos(hs, e) == -1) {
		holders_free(hs);
		return NULL;
	}
	for (i = 0; i < hs->n; i++)
		if (start(&hs->v[i], limit_ms, e) == -1) {
			holders_free(hs);
			return NULL;
		}
	return hs;
}

struct holders *
holders_connect(struct run_host *h, uint64_t limit_ms,
    const struct holders_ops *ops)
{
	struct err e = ERR_INIT;
	struct holders *hs;

	if (h->ended) {
		pool_release(h->run->pool, h->i);
		return NULL;
	}
	run_state(h, PROGRESS_RUN, "connecting", NULL);
	hs = connect_all(h, limit_ms, ops, &e);
	if (hs == NULL)
		run_host_end(h, REPORT_FAILED, "failed", e.msg);
	return hs;
}

void
holders_free(struct holders *hs)
{
	size_t i;

	if (hs == NULL)
		return;
	for (i = 0; i < hs->n; i++)
		session_free(hs->v[i].session);
	secret_free(hs->spare);
	strv_clear(&hs->spares);
	free(hs->v);
	free(hs);
}

void
holders_feed(struct holders *hs)
{
	struct run_host *h = hs->h;
	const struct secret *key;
	struct err e = ERR_INIT;
	struct child *c;
	int rc = run_keys(h->run, h, &e);
	size_t i;

	hs->fed = rc == 0;
	for (i = 0; i < hs->n && rc == 0; i++) {
		key = hs->v[i].key == SPARE ? hs->spare :
		    h->keys[hs->v[i].key];
		c = session_child(hs->v[i].session);
		/* Until it is ready, which takes it no time. */
		session_run_ms(hs->v[i].session, h->run->o->connect_ms);
		rc = child_send_secret(c, secret_data(key), secret_len(key),
		    NULL, NULL, &e);
		if (rc == 0)
			rc = child_send(c, "\n", 1, &e);
	}
	if (rc == -1) {
		run_host_end(h, REPORT_FAILED, "failed", e.msg);
		holders_close(hs);
	}
}

void
holders_close(struct holders *hs)
{
	struct err e = ERR_INIT;
	struct child *c;
	size_t i;

	for (i = 0; i < hs->n; i++) {
		if (hs->v[i].closing || hs->v[i].over)
			continue;
		hs->v[i].closing = true;
		c = session_child(hs->v[i].session);
		/* Before it was fed, end of file is the way to end it. */
		if (hs->v[i].state < HOLDER_READY ||
		    child_send(c, "end\n", 4, &e) == -1)
			child_close_stdin(c);
		session_run_ms(hs->v[i].session, CLOSE_MS);
	}
}

unsigned
holders_ended(const struct holders *hs)
{
	return hs->ended;
}
