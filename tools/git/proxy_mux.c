/* SPDX-License-Identifier: ISC */
#include "proxy_priv.h"

#include <stdlib.h>
#include <unistd.h>

#include "gitssh.h"
#include "muxuse.h"

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

	loop_stop(r->loop);
}

/* A session through the master at socket, to its end. That there is none is
 * no failure. */
static int
by_master(struct run *r, const char *socket, struct err *e)
{
	int64_t most_ms = r->p->conf.gateway.session_ms;
	struct loop_timer *limit = NULL;
	enum muxask_state state;
	int rc = -1;

	r->said = (struct gitssh_said){ false, SSHFAIL_OTHER };
	r->status = SSH_FAILED;
	r->mux = muxask_start(r->loop, socket, r->p->ask.line.data,
	    proxy_left_ms(r) + 1, on_end, r, NULL);
	if (r->mux == NULL)
		return 0;
	loop_timer_set(r->answer, proxy_left_ms(r), 0);
	if (most_ms > 0)
		limit = loop_timer_new(r->loop, (uint64_t)most_ms, 0,
		    on_limit, r, e);
	if (most_ms == 0 || limit != NULL)
		rc = loop_run(r->loop, e);
	loop_timer_stop(r->answer);
	loop_timer_free(limit);
	state = muxask_state(r->mux);
	r->said.stood = state != MUXASK_ASKED && state != MUXASK_NONE;
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
