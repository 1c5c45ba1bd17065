/* SPDX-License-Identifier: ISC */
#include "proxy_priv.h"

#include <stdlib.h>
#include <unistd.h>

#include "gitssh.h"
#include "muxuse.h"

void
proxy_mux_answer(struct run *r)
{
	switch (muxask_state(r->mux)) {
	case MUXASK_CALLED:
		/* It hangs, and has nothing of ours. */
		loop_stop(r->loop);
		break;
	case MUXASK_ASKED:
		/* It is the server that takes its time; it may still read
		 * what we were given, so nobody else is to have it. */
		r->late = r->held = proxy_left_ms(r) == 0;
		if (r->late)
			loop_stop(r->loop);
		else
			loop_timer_set(r->answer, proxy_left_ms(r), 0);
		break;
	default:
		break;
	}
}

static void
on_limit(void *arg)
{
	struct run *r = arg;

	r->timed_out = true;
	loop_stop(r->loop);
}

static void
on_end(void *arg)
{
	struct run *r = arg;

	/* on_limit() may still ring. */
	proxy_over(r, 0);
}

/* Until it has an end. */
static int
wait_for(struct run *r, struct err *e)
{
	int64_t most_ms = r->p->conf.gateway.session_ms;
	struct loop_timer *limit = NULL;
	int rc;

	if (most_ms > 0) {
		limit = loop_timer_new(r->loop, (uint64_t)most_ms, 0,
		    on_limit, r, e);
		if (limit == NULL)
			return -1;
	}
	/* One that hangs leaves time for a way without it. */
	loop_timer_set(r->answer, proxy_left_ms(r) / 2, 0);
	rc = loop_run(r->loop, e);
	loop_timer_stop(r->answer);
	loop_timer_free(limit);
	return rc;
}

/* A session through the master at socket, to its end. That there is none is
 * no failure. */
static int
by_master(struct run *r, const char *socket, struct err *e)
{
	struct muxask_spec spec = { .path = socket,
		.command = r->p->ask.line.data, .fd = { 0, 1, 2 },
		.wait_ms = proxy_left_ms(r) / 2 + 1, .on_end = on_end,
		.arg = r };
	enum muxask_state state;
	int rc;

	r->said = (struct gitssh_said){ false, SSHFAIL_OTHER };
	r->status = SSH_FAILED;
	r->over = false;
	gitcount_fds(r->count, spec.fd);
	r->mux = muxask_start(r->loop, &spec, NULL);
	if (r->mux == NULL)
		return 0;
	rc = wait_for(r, e);
	state = muxask_state(r->mux);
	r->said.stood = state == MUXASK_STANDS || state == MUXASK_LOST ||
	    state == MUXASK_EXITED;
	if (state == MUXASK_EXITED)
		r->status = muxask_status(r->mux);
	muxask_free(r->mux);
	r->mux = NULL;
	return rc;
}

int
proxy_mux(struct run *r, struct err *e)
{
	const struct gitconf_gateway *c = &r->p->conf.gateway;
	unsigned n = (unsigned)c->mux, first, i, k;
	struct buf path;
	int rc = 0, used;

	buf_init(&path, 4096);
	first = (unsigned)strtoul(r->p->ask.w.sid + 8, NULL, 16);
	for (i = 0; i < n && rc == 0 && !proxy_settled(r) && !r->late; i++) {
		k = (first % n + i) % n;
		buf_clear(&path);
		/* Held, so that the pool does not end it under us. */
		used = muxuse_join(c->run_dir, k);
		if (used != -1 && buf_addf(&path, "%s/" GITSSH_SOCKET,
		    c->run_dir, k) == 0)
			rc = by_master(r, path.data, e);
		if (used != -1)
			close(used);
	}
	buf_clear(&path);
	return rc;
}
