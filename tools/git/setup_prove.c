/* SPDX-License-Identifier: ISC */
#include "setup_prove.h"

#include <inttypes.h>
#include <pwd.h>
#include <time.h>

#include "asuser.h"
#include "check.h"
#include "gitprobe.h"
#include "gwask.h"
#include "gwmirror.h"
#include "keycmds.h"
#include "sys/clock.h"
#include "ui/log.h"

#define PAUSE_MS	250
#define STARTS_MS	15000	/* an sshd that was reloaded, a pool */
#define DENIED_MS	2000	/* sshd with its old settings, no longer */

/* What one try came to. */
struct reach {
	enum sshfail fail;
	bool in;		/* a session came about */
	struct gitprobe_keys keys;
};

typedef int try_fn(const struct setup_prove *p, struct reach *r,
	struct err *e);

/* As long as it may get better by itself. */
static int
try_long(const struct setup_prove *p, try_fn *try, struct reach *r,
    struct err *e)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	uint64_t begin = clock_ms(), most;

	for (;;) {
		*r = (struct reach){ 0 };
		*e = (struct err)ERR_INIT;
		if (try(p, r, e) == 0)
			return 0;
		most = r->fail >= SSHFAIL_DENIED ? DENIED_MS : STARTS_MS;
		if (p->timeout_ms > 0 && p->timeout_ms < most)
			most = p->timeout_ms;
		if (clock_ms() - begin >= most)
			return -1;
		nanosleep(&pause, NULL);
	}
}

static int
left(const struct reach *r, const char *who, const struct err *why)
{
	if (r->in) {
		log_error("WRONG: %s lets this host in, but: %s", who,
		    why->msg);
		return 1;
	}
	if (r->fail == SSHFAIL_DENIED)
		log_info("one step is left: %s does not let this host in yet, "
		    "so run there what is printed above; it tries the whole "
		    "way then", who);
	else
		log_warn("not tried: %s can't be reached: %s; postern git "
		    "check tries it again", who, why->msg);
	return 2;
}

static int
check(const struct setup_prove *p, struct err *e)
{
	return check_run(p->conf, &(struct check_opts){ .log = true,
	    .timeout_ms = p->timeout_ms }, e);
}

static int
have_pushed(const struct setup_prove *p, struct reach *r, struct err *e)
{
	const struct gwask a = { .conf = &p->conf->gateway, .user = p->user,
		.command = GITPROBE_C_PUSH, .timeout_ms = p->timeout_ms };
	struct gitprobe_way way;
	struct buf said;
	int rc;

	buf_init(&said, 65536);
	rc = gwask_run(&a, &said, &r->fail, e);
	r->in = gitprobe_way(said.data, &way);
	if (rc == 0)
		rc = gitprobe_pushed(said.data, &r->keys, e);
	buf_clear(&said);
	return rc;
}

int
setup_prove_gateway(const struct setup_prove *p, struct err *e)
{
	struct err why = ERR_INIT;
	struct reach r;

	if (try_long(p, have_pushed, &r, &why) == -1)
		return left(&r, "the git server", &why);
	log_info("the git server was asked for its keys: %" PRIu64 " are in "
	    "force, sequence %" PRIu64, r.keys.keys, r.keys.sequence);
	return check(p, e);
}

static int
mirror_asked(const struct setup_prove *p, struct reach *r, struct err *e)
{
	const struct gwmirror m = { .conf = &p->conf->gateway,
		.dest = p->peer, .user = p->user,
		.timeout_ms = p->timeout_ms };

	return gwmirror_ask(&m, &r->fail, e);
}

int
setup_prove_mirror(const struct setup_prove *p, struct err *e)
{
	struct err why = ERR_INIT;
	struct reach r;

	(void)e;
	if (try_long(p, mirror_asked, &r, &why) == -1) {
		r.in = r.fail == SSHFAIL_OTHER;
		if (r.fail != SSHFAIL_DENIED)
			return left(&r, p->peer, &why);
		log_info("one step is left: %s does not let this gateway in "
		    "yet, so run there what is printed above", p->peer);
		return 2;
	}
	log_info("checked: %s lets this gateway in; what only reads goes "
	    "there when the git server does not answer", p->peer);
	return 0;
}

/* As the user, whose push key it is. */
static int
ask(void *arg, void *ret, struct err *e)
{
	const struct setup_prove *p = arg;
	struct keysend send = keycmds_send(&p->conf->server);
	uint64_t ms = p->timeout_ms > 0 ? p->timeout_ms :
	    (uint64_t)p->conf->server.push_ms;
	struct keyreply reply;
	struct reach *r = ret;

	*r = (struct reach){ 0 };
	return keysend_ask(&send, (unsigned)ms, &reply, &r->fail, e);
}

static int
asked(const struct setup_prove *p, struct reach *r, struct err *e)
{
	const struct passwd *pw = getpwnam(p->user);

	if (pw == NULL)
		return err_set(e, ERR_SYS, "user %s is gone", p->user);
	return asuser_run(pw, ask, (void *)(uintptr_t)p, r, sizeof(*r), e);
}

/* The check brings the keys: it makes a push, and one more. */
int
setup_prove_server(const struct setup_prove *p, struct err *e)
{
	struct err why = ERR_INIT;
	struct reach r;

	if (try_long(p, asked, &r, &why) == -1)
		return left(&r, "the gateway", &why);
	return check(p, e);
}
