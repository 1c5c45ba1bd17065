/* SPDX-License-Identifier: ISC */
#include "mux.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gitrun.h"
#include "keystale.h"
#include "mux_priv.h"
#include "muxuse.h"
#include "sys/lock.h"

#define LOCK_MS		1000	/* a session looks at the lock, too */
#define IDLE_LOOK_MS	1000
#define END_LOOK_MS	100
#define STALE_LOOK_MS	60000	/* and the first at once */
#define END_MS		30000	/* for sessions, when it is asked to end */

/* Whether no session goes through any master; then none will. */
static bool
alone(struct mux *m)
{
	unsigned i, n;

	for (n = 0; n < m->n && muxuse_alone(m->v[n].used); n++)
		;
	if (n == m->n)
		return true;
	for (i = 0; i < n; i++)
		muxuse_let(m->v[i].used);
	return false;
}

/* Sessions touch the lock when they begin; a folder that is gone brings no
 * more of them. */
static bool
wanted(const struct mux *m)
{
	struct stat st;

	return fstat(m->lock, &st) == 0 && st.st_nlink > 0 && time(NULL) -
	    st.st_mtime <= m->o->conf->mux_idle_ms / 1000;
}

static void
on_time(void *arg)
{
	struct mux *m = arg;

	if (m->until != 0 ? loop_now_ms(m->loop) >= m->until || alone(m) :
	    !wanted(m) && alone(m))
		loop_stop(m->loop);
}

static void
on_stale(void *arg)
{
	struct mux *m = arg;

	keystale_tell(m->o->conf);
}

/* No new sessions; those that there are have some time, but who asks twice
 * gets his way. */
static void
on_signal(void *arg, int signo)
{
	struct mux *m = arg;
	unsigned i;

	if (m->until != 0) {
		loop_stop(m->loop);
		return;
	}
	m->until = loop_now_ms(m->loop) + END_MS;
	for (i = 0; i < m->n; i++)
		mux_master_leave(&m->v[i]);
	loop_timer_set(m->end, 0, END_LOOK_MS);
}

static int
set_up(struct mux *m, struct err *e)
{
	const struct gitconf_gateway *c = m->o->conf;
	struct buf path;
	unsigned i;
	int rc;

	if (c->server == NULL || c->mux == 0)
		return err_set(e, ERR_CONFIG, GITCONF_PATH ": [gateway] has "
		    "no %s", c->server == NULL ? "server" : "mux");
	if (gitrun_open(c->run_dir, "mux", &m->dir, e) == -1)
		return -1;
	buf_init(&path, 4096);
	(void)buf_addf(&path, "%s/mux/lock", c->run_dir);
	rc = lock_take_at(m->dir, "lock", path.data, LOCK_MS, &m->lock, e);
	buf_clear(&path);
	if (rc == -1)
		return -1;
	m->loop = loop_new(e);
	m->v = calloc((size_t)c->mux, sizeof(*m->v));
	if (m->loop == NULL || m->v == NULL)
		return m->loop == NULL ? -1 : err_set(e, ERR_MEM,
		    "out of memory");
	if (loop_signal(m->loop, SIGTERM, on_signal, m, e) == -1 ||
	    loop_signal(m->loop, SIGINT, on_signal, m, e) == -1)
		return -1;
	m->end = loop_timer_new(m->loop, IDLE_LOOK_MS, IDLE_LOOK_MS, on_time,
	    m, e);
	if (m->end == NULL)
		return -1;
	if (!m->o->demand)
		loop_timer_stop(m->end);
	m->stale = loop_timer_new(m->loop, 0, STALE_LOOK_MS, on_stale, m, e);
	if (m->stale == NULL)
		return -1;
	for (i = 0; i < (unsigned)c->mux; i++)
		if (mux_master_init(m, i, e) == -1)
			return -1;
	return 0;
}

static void
tear_down(struct mux *m)
{
	unsigned i;

	for (i = 0; i < m->n; i++)
		mux_master_clear(&m->v[i]);
	loop_timer_free(m->end);
	loop_timer_free(m->stale);
	loop_free(m->loop);
	free(m->v);
	if (m->dir != -1) {
		if (m->lock != -1)
			(void)unlinkat(m->dir, "status", 0);
		close(m->dir);
	}
	if (m->lock != -1)
		close(m->lock);
}

int
mux_run(const struct mux_opts *o, struct err *e)
{
	struct mux m = { .o = o, .dir = -1, .lock = -1 };
	int rc = -1;

	if (set_up(&m, e) == 0)
		rc = loop_run(m.loop, e);
	tear_down(&m);
	return rc;
}
