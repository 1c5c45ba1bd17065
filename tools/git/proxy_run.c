/* SPDX-License-Identifier: ISC */
#include "proxy.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/strv.h"
#include "gitprog.h"
#include "gitssh.h"
#include "muxuse.h"
#include "proc/child.h"
#include "sys/clock.h"

#define SSH_FAILED	255	/* ssh(1): it failed itself */
#define TRIES		5	/* of a server that takes none just now */
#define PAUSE_MS	150

struct run {
	struct proxy *p;
	struct loop *loop;
	struct loop_timer *answer;	/* until a session has to stand */
	struct child *child;
	struct gitprog_watch out;
	struct strv argv;
	int log;			/* memfd with ssh's words; -1 */
	int used;			/* our hold on a master; -1 */
	bool by_master;			/* which has not said a word */
	uint64_t until;			/* CLOCK_MONOTONIC, of answer */
	int status;			/* of the ssh that ended */
	bool late;			/* we ended it: no answer */
	bool timed_out;			/* the session's own limit */
	bool ended;			/* by a signal to us */
	bool gone;			/* nobody is there to read */
	struct gitssh_said said;
	struct buf why;
};

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
on_end(void *arg, const struct child_end *end)
{
	struct run *r = arg;

	r->status = gitprog_status(end->status);
	r->timed_out = end->timed_out;
	loop_stop(r->loop);
}

static uint64_t
left_ms(const struct run *r)
{
	uint64_t now = clock_ms();

	return r->until > now ? r->until - now : 0;
}

static void
on_answer(void *arg)
{
	struct run *r = arg;

	look(r, NULL);
	if (r->said.stood)
		return;
	/* One that answered may have asked for the session already. */
	if (r->by_master && r->said.moved) {
		r->by_master = false;
		loop_timer_set(r->answer, left_ms(r), 0);
		return;
	}
	r->late = true;
	child_kill(r->child, SIGKILL);
}

static void
on_signal(void *arg, int signo)
{
	struct run *r = arg;

	r->ended = true;
	if (r->child != NULL)
		child_kill(r->child, SIGTERM);
}

/* The person has left. */
static void
on_gone(void *arg)
{
	struct run *r = arg;

	r->gone = true;
	if (r->child != NULL)
		child_deadline(r->child, 1);
}

static void
leave_pool(struct run *r)
{
	if (r->used != -1)
		close(r->used);
	r->used = -1;
}

/* A socket of the pool that is there; which one, the sid says. Its master is
 * held first, so that the pool does not end it under us. */
static bool
join_pool(struct run *r, struct buf *path)
{
	const struct gitconf_gateway *c = &r->p->conf.gateway;
	unsigned n = (unsigned)c->mux, first, i, k;

	first = n > 0 ? (unsigned)strtoul(r->p->ask.w.sid + 8, NULL, 16) % n : 0;
	for (i = 0; i < n; i++) {
		k = (first + i) % n;
		buf_clear(path);
		r->used = muxuse_join(c->run_dir, k);
		if (r->used != -1 && buf_addf(path, "%s/" GITSSH_SOCKET,
		    c->run_dir, k) == 0 && access(path->data, F_OK) == 0)
			return true;
		leave_pool(r);
	}
	return false;
}

/* A new log, an argv: everything before ssh is started. */
static int
prepare(struct run *r, const char *dest, const char *socket, struct err *e)
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
		    .socket = socket, .log = log.data,
		    .command = r->p->ask.line.data }, &r->argv, e);
	buf_clear(&log);
	return rc;
}

/* One ssh, to its end. */
static int
ssh(struct run *r, const char *dest, const char *socket, struct err *e)
{
	static char *const env[] = { "PATH=/usr/bin:/bin", "LANG=C.UTF-8",
		NULL };
	struct child_spec spec = { .envp = env,
		.io = { CHILD_INHERIT, CHILD_INHERIT, CHILD_INHERIT },
		.timeout_ms = (uint64_t)r->p->conf.gateway.session_ms,
		.on_end = on_end, .arg = r };

	if (prepare(r, dest, socket, e) == -1)
		return -1;
	spec.argv = r->argv.v;
	r->late = r->timed_out = false;
	r->by_master = socket != NULL;
	loop_timer_set(r->answer, left_ms(r) / (r->by_master ? 2 : 1), 0);
	r->child = child_start(r->loop, &spec, e);
	if (r->child == NULL || loop_run(r->loop, e) == -1)
		return -1;
	loop_timer_stop(r->answer);
	child_free(r->child);
	r->child = NULL;
	look(r, &r->why);
	return 0;
}

/* Whether the ssh that ended is over with this, whatever came of it. */
static bool
settled(const struct run *r)
{
	return r->ended || r->gone || r->timed_out || r->said.stood ||
	    (r->status != SSH_FAILED && !r->late);
}

/* A server that is there, but took no more connections at once (MaxStartups),
 * closes them: that passes. A master that hangs is not in the way of an ssh
 * that goes by itself. */
static bool
passes(const struct run *r)
{
	if (r->late)
		return r->by_master;
	return r->said.fail == SSHFAIL_LOST ||
	    strstr(r->why.data, "kex_exchange_identification") != NULL;
}

/* dest, by a master first if there is one and dest is the server. */
static int
attempt(struct run *r, const char *dest, bool mux, struct err *e)
{
	struct buf path;
	bool found;
	int i, rc;

	buf_init(&path, 4096);
	r->until = clock_ms() + (uint64_t)r->p->conf.gateway.answer_ms;
	found = mux && join_pool(r, &path);
	for (i = 0;; i++) {
		rc = ssh(r, dest, found && i == 0 ? path.data : NULL, e);
		if (rc == -1 || settled(r) || !passes(r) || i == TRIES ||
		    clock_ms() >= r->until)
			break;
		leave_pool(r);
		if (r->late)
			continue;
		/* Not all of them at once again. */
		usleep((useconds_t)(PAUSE_MS * 1000 *
		    (1 + i + (getpid() & 3))));
	}
	buf_clear(&path);
	return rc;
}

/* May another host answer? A host key that changed is no reason to ask
 * elsewhere, and none to go on. */
static bool
elsewhere(const struct run *r)
{
	return !settled(r) && !r->p->ask.cmd.write &&
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
	if (gitprog_watch(r->loop, on_gone, r, &r->out, e) == -1)
		return -1;
	if (attempt(r, c->server, true, e) == -1)
		return -1;
	for (i = 0; i < c->mirrors.n && elsewhere(r); i++) {
		r->p->via = c->mirrors.v[i];
		if (attempt(r, c->mirrors.v[i], false, e) == -1)
			return -1;
	}
	/* The mirror that answered, not the last one that was asked. */
	if (!settled(r))
		r->p->via = NULL;
	return result(r, e);
}

int
proxy_run(struct proxy *p, struct err *e)
{
	struct run r = { .p = p, .log = -1, .used = -1 };
	int rc = -1;

	buf_init(&r.why, 2048);
	r.loop = loop_new(e);
	if (r.loop != NULL)
		rc = all(&r, e);
	child_free(r.child);
	gitprog_unwatch(&r.out);
	loop_timer_free(r.answer);
	loop_free(r.loop);
	strv_clear(&r.argv);
	buf_clear(&r.why);
	leave_pool(&r);
	if (r.log != -1)
		close(r.log);
	return rc;
}
