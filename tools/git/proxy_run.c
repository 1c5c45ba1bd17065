/* SPDX-License-Identifier: ISC */
#include "proxy_priv.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/clock.h"

#define TRIES		5	/* of a server that takes none just now */
#define PAUSE_MS	150

uint64_t
proxy_left_ms(const struct run *r)
{
	uint64_t now = clock_ms();

	return r->until > now ? r->until - now : 0;
}

bool
proxy_settled(const struct run *r)
{
	return r->ended || r->gone || r->timed_out || r->said.stood ||
	    (r->status != SSH_FAILED && !r->late);
}

/* Reads what ssh has said so far. */
static void
look(struct run *r, struct buf *why)
{
	char *text = malloc(GITSSH_LOG_MAX);
	ssize_t n = 0;

	if (text != NULL)
		n = pread(r->log, text, GITSSH_LOG_MAX, 0);
	r->said = gitssh_said(text != NULL ? text : "", n > 0 ? (size_t)n : 0,
	    why);
	free(text);
}

static void
on_done(void *arg, bool late)
{
	struct run *r = arg;

	r->timed_out = late;
	loop_stop(r->loop);
}

void
proxy_over(struct run *r, uint64_t timeout_ms)
{
	r->over = true;
	loop_timer_stop(r->answer);
	if (r->timed_out || r->late || r->ended || r->gone)
		loop_stop(r->loop);
	else
		gitcount_finish(r->count, timeout_ms, on_done, r);
}

/* What the session's own limit leaves of it, for its last words; never 0
 * where there is one, which would be none. */
static uint64_t
session_left_ms(const struct run *r)
{
	uint64_t most = (uint64_t)r->p->conf.gateway.session_ms;
	uint64_t took = clock_ms() - r->began;

	if (most == 0)
		return 0;
	return took < most ? most - took : 1;
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct run *r = arg;

	r->status = gitprog_status(end->status);
	r->timed_out = end->timed_out;
	proxy_over(r, session_left_ms(r));
}

static void
on_answer(void *arg)
{
	struct run *r = arg;

	if (r->mux != NULL) {
		proxy_mux_answer(r);
		return;
	}
	look(r, NULL);
	if (r->said.stood)
		return;
	r->late = true;
	child_kill(r->child, SIGKILL);
}

static void
on_signal(void *arg, int signo)
{
	struct run *r = arg;

	r->ended = true;
	if (r->mux != NULL || r->over)
		loop_stop(r->loop);
	else if (r->child != NULL)
		child_kill(r->child, SIGTERM);
}

/* The person has left. */
static void
on_gone(void *arg)
{
	struct run *r = arg;

	r->gone = true;
	if (r->mux != NULL || r->over)
		loop_stop(r->loop);
	else if (r->child != NULL)
		child_deadline(r->child, 1);
}

/* A new log, an argv: everything before ssh is started. */
static int
prepare(struct run *r, const char *dest, struct err *e)
{
	struct buf log;
	int rc;

	strv_clear(&r->argv);
	buf_clear(&r->why);
	if (r->log != -1)
		close(r->log);
	r->log = memfd_create("ssh", MFD_CLOEXEC);
	if (r->log == -1)
		return err_sys(e, "memfd_create");
	buf_init(&log, 64);
	rc = buf_addf(&log, "/proc/%ld/fd/%d", (long)getpid(), r->log);
	if (rc == 0)
		rc = gitssh_argv(&(struct gitssh){
		    .conf = &r->p->conf.gateway, .dest = dest,
		    .log = log.data,
		    .command = r->p->ask.line.data }, &r->argv, e);
	buf_clear(&log);
	return rc;
}

/* One ssh, to its end. */
static int
ssh(struct run *r, const char *dest, struct err *e)
{
	static char *const env[] = { "PATH=/usr/bin:/bin", "LANG=C.UTF-8",
		NULL };
	struct child_spec spec = { .envp = env,
		.io = { CHILD_INHERIT, CHILD_INHERIT, CHILD_INHERIT },
		.timeout_ms = (uint64_t)r->p->conf.gateway.session_ms,
		.on_end = on_end, .arg = r };

	if (prepare(r, dest, e) == -1)
		return -1;
	spec.argv = r->argv.v;
	gitcount_io(r->count, &spec);
	r->late = r->timed_out = r->over = false;
	loop_timer_set(r->answer, proxy_left_ms(r), 0);
	r->began = clock_ms();
	r->child = child_start(r->loop, &spec, e);
	if (r->child == NULL || loop_run(r->loop, e) == -1)
		return -1;
	loop_timer_stop(r->answer);
	child_free(r->child);
	r->child = NULL;
	look(r, &r->why);
	return 0;
}

/* A server that is there, but took no more connections at once (MaxStartups),
 * closes them: that passes. */
static bool
passes(const struct run *r)
{
	return !r->late && (r->said.fail == SSHFAIL_LOST ||
	    strstr(r->why.data, "kex_exchange_identification") != NULL);
}

/* dest, by the pool first if there is one and dest is the server. */
static int
attempt(struct run *r, const char *dest, bool mux, struct err *e)
{
	int i, rc;

	r->until = clock_ms() + (uint64_t)r->p->conf.gateway.answer_ms;
	r->late = false;
	r->status = SSH_FAILED;
	if (mux) {
		rc = proxy_mux(r, e);
		if (rc == -1 || proxy_settled(r) || r->late)
			return rc;
	}
	for (i = 0;; i++) {
		rc = ssh(r, dest, e);
		if (rc == -1 || proxy_settled(r) || !passes(r) || i == TRIES ||
		    clock_ms() >= r->until)
			return rc;
		/* Not all of them at once again. */
		usleep((useconds_t)(PAUSE_MS * 1000 *
		    (1 + i + (getpid() & 3))));
	}
}

/* May another host answer? A host key that changed is no reason to ask
 * elsewhere, and none to go on. */
static bool
elsewhere(const struct run *r)
{
	return !proxy_settled(r) && !r->held && !r->p->ask.cmd.write &&
	    (r->late || r->said.fail == SSHFAIL_UNREACHABLE ||
	    r->said.fail == SSHFAIL_LOST);
}

/* How the last ssh ended, as p's status, or as a line for the person. */
static int
result(struct run *r, struct err *e)
{
	const char *why = r->why.len > 0 ? r->why.data : NULL;

	if (r->ended)
		return err_set(e, ERR_PEER, "this session was ended by the "
		    "gateway");
	if (r->gone)
		return err_set(e, ERR_PEER, "the client has left");
	if (r->timed_out)
		return err_set(e, ERR_TIMEOUT, "this session was ended: it "
		    "took longer than the gateway allows");
	if (r->late)
		return err_set(e, ERR_TIMEOUT, "the git server does not "
		    "answer; try again later");
	if (r->status != SSH_FAILED) {
		r->p->status = r->status;
		return 0;
	}
	if (r->said.stood)
		return err_set(e, ERR_TIMEOUT, "the connection to the git "
		    "server was lost%s%s%s", why ? " (" : "", why ? why : "",
		    why ? ")" : "");
	if (r->said.fail >= SSHFAIL_DENIED)
		return err_set(e, ERR_PEER, "the git server was not reached: "
		    "the gateway is set up wrongly (%s)",
		    sshargv_failname(r->said.fail));
	return err_set(e, ERR_TIMEOUT, "the git server does not answer (%s); "
	    "try again later", why ? why : "ssh failed");
}

static int
all(struct run *r, struct err *e)
{
	const struct gitconf_gateway *c = &r->p->conf.gateway;
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (loop_signal(r->loop, signals[i], on_signal, r, e) == -1)
			return -1;
	r->answer = loop_timer_new(r->loop, 0, 0, on_answer, r, e);
	if (r->answer == NULL)
		return -1;
	loop_timer_stop(r->answer);
	if (gitprog_watch(r->loop, on_gone, r, &r->out, e) == -1 ||
	    (c->side.audit_bytes != 0 &&
	    gitcount_new(r->loop, &r->count, e) == -1))
		return -1;
	if (attempt(r, c->server, true, e) == -1)
		return -1;
	for (i = 0; i < c->mirrors.n && elsewhere(r); i++) {
		r->p->via = c->mirrors.v[i];
		if (attempt(r, c->mirrors.v[i], false, e) == -1)
			return -1;
	}
	/* The mirror that answered, not the last one that was asked. */
	if (!proxy_settled(r))
		r->p->via = NULL;
	return result(r, e);
}

int
proxy_run(struct proxy *p, struct err *e)
{
	struct run r = { .p = p, .log = -1 };
	int rc = -1;

	buf_init(&r.why, 2048);
	r.loop = loop_new(e);
	if (r.loop != NULL)
		rc = all(&r, e);
	child_free(r.child);
	gitcount_bytes(r.count, &p->in, &p->out);
	gitcount_free(r.count);
	gitprog_unwatch(&r.out);
	muxask_free(r.mux);
	loop_timer_free(r.answer);
	loop_free(r.loop);
	strv_clear(&r.argv);
	buf_clear(&r.why);
	if (r.log != -1)
		close(r.log);
	return rc;
}
