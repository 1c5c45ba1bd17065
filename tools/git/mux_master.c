/* SPDX-License-Identifier: ISC */
#include "mux_priv.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/esc.h"
#include "base/strv.h"
#include "gitssh.h"
#include "muxuse.h"
#include "sys/file.h"
#include "ui/log.h"

#define CHECK_MS	5000	/* from one look at a master to the next */
#define CHECK_FIRST_MS	100	/* while it starts */
#define CHECK_MAX_MS	5000	/* for its answer */
#define MISSES		2	/* looks without an answer */
#define LEAVE_MS	120000	/* for sessions of one that does not answer */
#define LEAVE_LOOK_MS	500

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
	static const char *const names[] = { "waiting", "starting", "up",
		"leaving" };
	struct err e = ERR_INIT;
	struct buf path, text;
	const struct mux_master *s;

	buf_init(&path, 4096);
	buf_init(&text, 16384);
	for (s = m->v; s < m->v + m->n; s++)
		(void)buf_addf(&text, "%u %s %lld %u %lld%s%s\n", s->number,
		    names[s->state], (long long)s->since, s->starts,
		    (long long)s->failed_at, s->failure[0] != '\0' ? " " :
		    "", s->failure);
	if (buf_addf(&path, "%s/mux/status", m->o->conf->run_dir) == -1 ||
	    file_write(path.data, text.data, text.len, 0600, NULL, &e) == -1)
		log_warn("%s", e.msg);
	buf_clear(&path);
	buf_clear(&text);
}

static void
enter(struct mux_master *s, enum mux_state state)
{
	if (s->state == state)
		return;
	s->state = state;
	s->since = time(NULL);
	if (state == MUX_UP) {
		s->failed = 0;
		s->why[0] = '\0';
		log_info("master %u is up", s->number);
	}
	write_status(s->mux);
}

static struct gitssh
words(const struct mux_master *s)
{
	return (struct gitssh){ .conf = s->mux->o->conf,
		.dest = s->mux->o->conf->server, .socket = s->socket };
}

static void
on_ssh_line(void *arg, enum child_stream stream, const char *line,
    size_t len, bool cut)
{
	struct mux_master *s = arg;
	struct buf shown;

	/* ssh ends its lines in CR LF. */
	if (len > 0 && line[len - 1] == '\r')
		len--;
	buf_init(&shown, 4 * sizeof(s->why));
	if (esc_text(&shown, line, len < 190 ? len : 190) == 0)
		snprintf(s->why, sizeof(s->why), "%s", shown.data);
	buf_clear(&shown);
	log_debug("master %u: %s", s->number, line);
}

static void
on_ssh_end(void *arg, const struct child_end *end)
{
	struct mux_master *s = arg;
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
	s->failed_at = time(NULL);
	snprintf(s->failure, sizeof(s->failure), "%s", s->why[0] != '\0' ?
	    s->why : why);
	enter(s, MUX_WAITING);
	if (s->mux->until == 0)
		loop_timer_set(s->start, pause, 0);
}

static void
start_ssh(void *arg)
{
	struct mux_master *s = arg;
	struct child_spec spec = { .io = { CHILD_NULL, CHILD_NULL,
		CHILD_PIPE }, .on_line = on_ssh_line, .on_end = on_ssh_end,
		.arg = s };
	struct gitssh g = words(s);
	struct err e = ERR_INIT;
	struct strv argv = { 0 };

	(void)unlink(s->socket);	/* of a pool that was killed */
	muxuse_let(s->used);
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
	enter(s, MUX_STARTING);
	loop_timer_set(s->look, CHECK_FIRST_MS, 0);
}

/* Whether it hangs or only had no turn for a while is not to be told from
 * here, but what goes through it may still move: it is left to that. */
static void
leaving(struct mux_master *s)
{
	if (muxuse_alone(s->used) || loop_now_ms(s->mux->loop) >= s->until)
		child_kill(s->ssh, SIGKILL);
	else
		loop_timer_set(s->look, LEAVE_LOOK_MS, 0);
}

void
mux_master_leave(struct mux_master *s)
{
	loop_timer_stop(s->start);
	if (s->ssh == NULL || s->state == MUX_LEAVING)
		return;
	(void)unlink(s->socket);
	s->until = loop_now_ms(s->mux->loop) + LEAVE_MS;
	/* One that only starts could make its socket anew. */
	if (s->state == MUX_STARTING)
		s->until = 0;
	enter(s, MUX_LEAVING);
	leaving(s);
}

static void
on_check_end(void *arg, const struct child_end *end)
{
	struct mux_master *s = arg;
	bool ok = !end->timed_out && end->status == 0;

	child_free(s->check);
	s->check = NULL;
	if (s->state == MUX_LEAVING)
		return;
	if (ok) {
		s->misses = 0;
		enter(s, MUX_UP);
	} else if (s->state == MUX_UP && ++s->misses >= MISSES) {
		log_warn("master %u does not answer", s->number);
		mux_master_leave(s);
		return;
	}
	/* Whether a start fails says ssh itself, by its ConnectTimeout. */
	loop_timer_set(s->look, s->state == MUX_UP ? CHECK_MS : CHECK_FIRST_MS,
	    0);
}

static void
look(void *arg)
{
	struct mux_master *s = arg;
	struct child_spec spec = { .timeout_ms = CHECK_MAX_MS,
		.on_end = on_check_end, .arg = s };
	struct gitssh g = words(s);
	struct err e = ERR_INIT;
	struct strv argv = { 0 };
	struct stat st;

	if (s->state == MUX_LEAVING) {
		leaving(s);
		return;
	}
	/* No need to ask before it can answer. */
	if (s->state == MUX_STARTING && stat(s->socket, &st) == -1) {
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

int
mux_master_init(struct mux *m, unsigned i, struct err *e)
{
	struct mux_master *s = &m->v[i];

	s->mux = m;
	s->number = i;
	s->since = time(NULL);
	s->used = -1;
	if (asprintf(&s->socket, "%s/" GITSSH_SOCKET, m->o->conf->run_dir,
	    i) == -1) {
		s->socket = NULL;
		return err_set(e, ERR_MEM, "out of memory");
	}
	m->n++;
	if (muxuse_open(m->dir, i, &s->used, e) == -1)
		return -1;
	s->look = loop_timer_new(m->loop, 0, 0, look, s, e);
	s->start = loop_timer_new(m->loop, 0, 0, start_ssh, s, e);
	if (s->look == NULL || s->start == NULL)
		return -1;
	loop_timer_stop(s->look);
	return 0;
}

void
mux_master_clear(struct mux_master *s)
{
	child_free(s->check);
	child_free(s->ssh);
	loop_timer_free(s->look);
	loop_timer_free(s->start);
	if (s->socket != NULL)
		(void)unlink(s->socket);
	free(s->socket);
	if (s->used != -1)
		close(s->used);
}
