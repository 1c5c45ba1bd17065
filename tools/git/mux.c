/* SPDX-License-Identifier: ISC */
#include "mux.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/esc.h"
#include "base/strv.h"
#include "gitrun.h"
#include "gitssh.h"
#include "proc/child.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "ui/log.h"

#define CHECK_MS	5000	/* from one look at a master to the next */
#define CHECK_FIRST_MS	100	/* while it starts */
#define CHECK_MAX_MS	5000	/* for its answer */
#define MISSES		2	/* looks without an answer */
#define LOCK_MS		1000	/* a session looks at the lock, too */
#define IDLE_LOOK_MS	1000

struct mux;

enum state { WAITING, STARTING, UP };

struct master {
	struct mux *mux;
	unsigned number;
	char *socket;			/* owned; its path */
	enum state state;
	time_t since;
	struct child *ssh, *check;
	struct loop_timer *start, *look;
	unsigned starts, failed;	/* failed: in a row */
	unsigned misses;
	char why[200];			/* what ssh said last */
};

struct mux {
	const struct mux_opts *o;
	struct loop *loop;
	int dir, lock;
	struct loop_timer *idle;
	struct master *v;
	unsigned n;
};

uint64_t
mux_pause_ms(unsigned n)
{
	return n >= 6 ? 30000 : (uint64_t)500 << n;
}

/* For people and `postern git status`; that it can't be written is no reason
 * to stop. */
static void
write_status(struct mux *m)
{
	static const char *const names[] = { "waiting", "starting", "up" };
	struct err e = ERR_INIT;
	struct buf path, text;
	struct master *s;

	buf_init(&path, 4096);
	buf_init(&text, 16384);
	for (s = m->v; s < m->v + m->n; s++)
		(void)buf_addf(&text, "%u %s %lld %u%s%s\n", s->number,
		    names[s->state], (long long)s->since, s->starts,
		    s->why[0] != '\0' ? " " : "", s->why);
	if (buf_addf(&path, "%s/mux/status", m->o->conf->run_dir) == -1 ||
	    file_write(path.data, text.data, text.len, 0600, NULL, &e) == -1)
		log_warn("%s", e.msg);
	buf_clear(&path);
	buf_clear(&text);
}

static void
enter(struct master *s, enum state state)
{
	if (s->state == state)
		return;
	s->state = state;
	s->since = time(NULL);
	if (state == UP) {
		s->failed = 0;
		s->why[0] = '\0';
		log_info("master %u is up", s->number);
	}
	write_status(s->mux);
}

static struct gitssh
words(const struct master *s)
{
	return (struct gitssh){ .conf = s->mux->o->conf,
		.dest = s->mux->o->conf->server, .socket = s->socket };
}

static void
on_ssh_line(void *arg, enum child_stream stream, const char *line,
    size_t len, bool cut)
{
	struct master *s = arg;
	struct buf shown;

	buf_init(&shown, 4 * sizeof(s->why));
	if (esc_text(&shown, line, len < 190 ? len : 190) == 0)
		snprintf(s->why, sizeof(s->why), "%s", shown.data);
	buf_clear(&shown);
	log_debug("master %u: %s", s->number, line);
}

static void
on_ssh_end(void *arg, const struct child_end *end)
{
	struct master *s = arg;
	uint64_t pause = mux_pause_ms(s->failed);
	char why[64];

	child_why(end->status, why, sizeof(why));
	child_free(s->ssh);
	s->ssh = NULL;
	child_free(s->check);
	s->check = NULL;
	loop_timer_stop(s->look);
	/* Nobody is to find a socket that nobody answers. */
	(void)unlink(s->socket);
	log_warn("master %u has ended (%s%s%s), again in %u ms", s->number,
	    why, s->why[0] != '\0' ? ": " : "", s->why, (unsigned)pause);
	s->failed++;
	enter(s, WAITING);
	loop_timer_set(s->start, pause, 0);
}

static void
start_ssh(void *arg)
{
	struct master *s = arg;
	struct child_spec spec = { .io = { CHILD_NULL, CHILD_NULL,
		CHILD_PIPE }, .on_line = on_ssh_line, .on_end = on_ssh_end,
		.arg = s };
	struct gitssh g = words(s);
	struct err e = ERR_INIT;
	struct strv argv = { 0 };

	(void)unlink(s->socket);	/* of a pool that was killed */
	if (gitssh_argv(&g, &argv, &e) == 0) {
		spec.argv = argv.v;
		s->ssh = child_start(s->mux->loop, &spec, &e);
	}
	strv_clear(&argv);
	if (s->ssh == NULL) {
		log_error("master %u: %s", s->number, e.msg);
		loop_timer_set(s->start, mux_pause_ms(s->failed++), 0);
		return;
	}
	s->starts++;
	s->misses = 0;
	enter(s, STARTING);
	loop_timer_set(s->look, CHECK_FIRST_MS, 0);
}

static void
on_check_end(void *arg, const struct child_end *end)
{
	struct master *s = arg;
	bool ok = !end->timed_out && end->status == 0;

	child_free(s->check);
	s->check = NULL;
	if (ok) {
		s->misses = 0;
		enter(s, UP);
	} else if (s->state == UP && ++s->misses >= MISSES) {
		/* It will not come back by itself. */
		log_warn("master %u does not answer", s->number);
		child_kill(s->ssh, SIGKILL);
		return;
	}
	/* Whether a start fails says ssh itself, by its ConnectTimeout. */
	loop_timer_set(s->look, s->state == UP ? CHECK_MS : CHECK_FIRST_MS,
	    0);
}

static void
look(void *arg)
{
	struct master *s = arg;
	struct child_spec spec = { .timeout_ms = CHECK_MAX_MS,
		.on_end = on_check_end, .arg = s };
	struct gitssh g = words(s);
	struct err e = ERR_INIT;
	struct strv argv = { 0 };
	struct stat st;

	/* No need to ask before it can answer. */
	if (s->state == STARTING && stat(s->socket, &st) == -1) {
		loop_timer_set(s->look, CHECK_FIRST_MS, 0);
		return;
	}
	if (gitssh_check_argv(&g, &argv, &e) == 0) {
		spec.argv = argv.v;
		s->check = child_start(s->mux->loop, &spec, &e);
	}
	strv_clear(&argv);
	if (s->check == NULL) {
		log_error("master %u: %s", s->number, e.msg);
		loop_timer_set(s->look, CHECK_MS, 0);
	}
}

static void
on_signal(void *arg, int signo)
{
	struct mux *m = arg;

	loop_stop(m->loop);
}

/* Sessions touch the lock. */
static void
on_idle(void *arg)
{
	struct mux *m = arg;
	struct stat st;
	time_t now = time(NULL);

	if (fstat(m->lock, &st) == -1 || st.st_nlink == 0 || now -
	    st.st_mtime > m->o->conf->mux_idle_ms / 1000)
		loop_stop(m->loop);
}

static int
add_master(struct mux *m, unsigned i, struct err *e)
{
	struct master *s = &m->v[i];

	s->mux = m;
	s->number = i;
	s->since = time(NULL);
	if (asprintf(&s->socket, "%s/" GITSSH_SOCKET, m->o->conf->run_dir,
	    i) == -1) {
		s->socket = NULL;
		return err_set(e, ERR_MEM, "out of memory");
	}
	m->n++;
	s->look = loop_timer_new(m->loop, 0, 0, look, s, e);
	s->start = loop_timer_new(m->loop, 0, 0, start_ssh, s, e);
	if (s->look == NULL || s->start == NULL)
		return -1;
	loop_timer_stop(s->look);
	return 0;
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
	if (m->o->demand) {
		m->idle = loop_timer_new(m->loop, IDLE_LOOK_MS, IDLE_LOOK_MS,
		    on_idle, m, e);
		if (m->idle == NULL)
			return -1;
	}
	for (i = 0; i < (unsigned)c->mux; i++)
		if (add_master(m, i, e) == -1)
			return -1;
	return 0;
}

static void
tear_down(struct mux *m)
{
	struct master *s;

	for (s = m->v; s < m->v + m->n; s++) {
		child_free(s->check);
		child_free(s->ssh);
		loop_timer_free(s->look);
		loop_timer_free(s->start);
		if (s->socket != NULL)
			(void)unlink(s->socket);
		free(s->socket);
	}
	loop_timer_free(m->idle);
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
