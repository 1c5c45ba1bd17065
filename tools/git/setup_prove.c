/* SPDX-License-Identifier: ISC */
#include "setup_prove.h"

#include <inttypes.h>
#include <pwd.h>
#include <sysexits.h>
#include <time.h>

#include "asuser.h"
#include "check.h"
#include "gitprobe.h"
#include "gwask.h"
#include "keycmds.h"
#include "sys/clock.h"
#include "ui/log.h"

#define PAUSE_MS	250	/* after the first try; doubled each */
#define PAUSE_MAX_MS	4000
#define STARTS_MS	15000	/* an sshd that was reloaded, a pool */
#define DENIED_MS	2000	/* sshd with its old settings, no longer */
#define DENIED_PAUSE_MS	1000	/* three tries: sshd may count them, and shuts
				 * out whom it refuses more often within
				 * seconds: PerSourcePenalties */

/* What one try came to. */
struct reach {
	struct gitreach at;
	struct gitprobe_keys keys;
};

typedef int try_fn(const struct setup_prove *p, struct reach *r,
	struct err *e);

/* Nobody else was asked, since it failed on this host. */
static bool
here(const struct err *e)
{
	return e->code != ERR_PEER && e->code != ERR_TIMEOUT &&
	    e->code != ERR_BUSY;
}

/* How long it may get better by itself. Who let us in and failed, or refused
 * what was asked, does so the next time; but for who is busy, or had no answer
 * of somebody else's. Nor does another host key pass. */
static uint64_t
most_ms(const struct setup_prove *p, const struct gitreach *at)
{
	uint64_t most = STARTS_MS;

	if (at->in ? at->status != EX_TEMPFAIL : at->fail > SSHFAIL_DENIED)
		return 0;
	if (at->fail == SSHFAIL_DENIED)
		most = DENIED_MS;
	return p->timeout_ms > 0 && p->timeout_ms < most ? p->timeout_ms :
	    most;
}

static int
try_long(const struct setup_prove *p, try_fn *try, struct reach *r,
    struct err *e)
{
	uint64_t begin = clock_ms(), most, took, wait = PAUSE_MS;
	struct timespec t;

	for (;;) {
		*r = (struct reach){ 0 };
		*e = (struct err)ERR_INIT;
		if (try(p, r, e) == 0)
			return 0;
		most = most_ms(p, &r->at);
		took = clock_ms() - begin;
		if (here(e) || took >= most)
			return -1;
		if (r->at.fail == SSHFAIL_DENIED && wait < DENIED_PAUSE_MS)
			wait = DENIED_PAUSE_MS;
		/* The last one is at its end. */
		if (wait > most - took)
			wait = most - took;
		t.tv_sec = (time_t)(wait / 1000);
		t.tv_nsec = (long)(wait % 1000) * 1000000;
		nanosleep(&t, NULL);
		wait = wait < PAUSE_MAX_MS ? 2 * wait : wait;
	}
}

static int
left(const struct gitreach *at, const char *who, const struct err *why)
{
	if (here(why)) {
		log_error("WRONG: %s was not asked: %s", who, why->msg);
		return 1;
	}
	if (at->in) {
		log_error("WRONG: %s lets this host in, but: %s", who,
		    why->msg);
		return 1;
	}
	if (at->fail > SSHFAIL_DENIED) {
		log_error("WRONG: %s does not show the host key that is "
		    "pinned: %s", who, why->msg);
		return 1;
	}
	if (at->fail == SSHFAIL_DENIED)
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
	struct buf said;
	int rc;

	buf_init(&said, 65536);
	rc = gwask_run(&a, &said, &r->at, e);
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
		return left(&r.at, "the git server", &why);
	log_info("the git server was asked for its keys: %" PRIu64 " are in "
	    "force, sequence %" PRIu64, r.keys.keys, r.keys.sequence);
	return check(p, e);
}

static int
mirror_asked(const struct setup_prove *p, struct reach *r, struct err *e)
{
	const struct gwask a = { .conf = &p->conf->gateway, .dest = p->peer,
		.user = p->user, .timeout_ms = p->timeout_ms };

	return gwask_serves(&a, &r->at, e);
}

int
setup_prove_mirror(const struct setup_prove *p, struct err *e)
{
	struct err why = ERR_INIT;
	struct reach r;

	(void)e;
	if (try_long(p, mirror_asked, &r, &why) == -1) {
		if (r.at.fail != SSHFAIL_DENIED)
			return left(&r.at, p->peer, &why);
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
	return keysend_ask(&send, (unsigned)ms, &reply, &r->at, e);
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
		return left(&r.at, "the gateway", &why);
	return check(p, e);
}
