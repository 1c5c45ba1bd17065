/* SPDX-License-Identifier: ISC */
#include "check_canary.h"

#include <string.h>

#include "asuser.h"
#include "authgen.h"
#include "gitcheck.h"
#include "gitid.h"
#include "gitprog.h"
#include "gitreach.h"
#include "keycmds.h"
#include "keyproc.h"
#include "ssh/edkey.h"
#include "ui/log.h"

#define HERE_S		10	/* to be connected to the own sshd */

static int
make_key(struct canary *c, struct err *e)
{
	struct secret *seed = edkey_new(e), *text = NULL;
	struct keyline k;
	int rc = -1;

	buf_init(&c->public, KEYLINE_MAX);
	if (seed == NULL || edkey_public(seed, &c->public, e) == -1 ||
	    keyline_parse(c->public.data, c->public.len, &k, e) == -1)
		goto out;
	keyline_fp_text(k.fp, c->fp);
	text = edkey_private(seed, e);
	if (text != NULL)
		rc = memfile_init(&c->key, secret_data(text),
		    secret_len(text), e);
out:
	secret_free(seed);
	secret_free(text);
	return rc;
}

static void
hold_signals(struct canary *c)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, &c->old);
	c->begun = true;
}

int
canary_begin(struct canary *c, const struct gitconf_server *conf,
    const struct passwd *user, struct err *e)
{
	c->conf = conf;
	c->user = user;
	hold_signals(c);
	if (make_key(c, e) == 0 && gitcheck_open(user->pw_gid, c->fp, NULL,
	    &c->held, e) == 0) {
		c->way = keycmds_send(conf);
		c->way.key = c->key.path;
		return 0;
	}
	canary_end(c);
	return -1;
}

/* The line that each key on the gateway has, for sshd. */
static int
open_here(struct canary *c, const char *proxy, struct err *e)
{
	struct keylist l = { 0 };
	struct keyline k;
	struct buf line;
	int rc = -1;

	buf_init(&line, GITCHECK_MAX);
	if (keyline_parse(c->public.data, c->public.len, &k, e) == 0 &&
	    keylist_add(&l, GITID_CHECK, &k, "", e) == 0 &&
	    authgen_line(proxy, &l.v[0], &line, e) == 0)
		rc = gitcheck_open(c->user->pw_gid, c->fp, line.data,
		    &c->held, e);
	keylist_clear(&l);
	buf_clear(&line);
	return rc;
}

int
canary_begin_here(struct canary *c, const struct passwd *user,
    const char *proxy, const char *dest, const struct buf *known,
    struct err *e)
{
	c->user = user;
	hold_signals(c);
	if (make_key(c, e) == 0 && memfile_init(&c->known, known->data,
	    known->len, e) == 0 && open_here(c, proxy, e) == 0) {
		c->way = (struct keysend){ .gateway = dest,
			.key = c->key.path, .known_hosts = c->known.path,
			.connect_s = HERE_S };
		return 0;
	}
	canary_end(c);
	return -1;
}

void
canary_gone(struct canary *c)
{
	gitcheck_close(&c->held);
}

void
canary_end(struct canary *c)
{
	struct pushkeys_result r;
	struct err e = ERR_INIT;

	if (!c->begun)
		return;
	if (c->out && canary_push(c, false, &r, &e) == -1)
		log_warn("the check's key %s stays on %s until the next push: "
		    "%s; nobody has it, and no session of it is served", c->fp,
		    c->conf->gateway, e.msg);
	canary_gone(c);
	memfile_clear(&c->key);
	memfile_clear(&c->known);
	buf_clear(&c->public);
	c->begun = false;
	/* What came meanwhile ends us here. */
	sigprocmask(SIG_SETMASK, &c->old, NULL);
}

struct push {
	const struct gitconf_server *conf;
	const char *check;
};

static int
push(void *arg, void *ret, struct err *e)
{
	const struct push *p = arg;

	return keycmds_try(p->conf, p->check, ret, e);
}

int
canary_push(struct canary *c, bool with, struct pushkeys_result *ret,
    struct err *e)
{
	struct push p = { c->conf, with ? c->public.data : NULL };
	int rc;

	/* It may arrive and its answer not. */
	c->out = c->out || with;
	rc = asuser_run(c->user, push, &p, ret, sizeof(*ret), e);
	if (rc == 0 && !with)
		c->out = false;
	return rc;
}

static int
judge(const struct keyproc_end *end, const struct gitreach *reach,
    const char *gateway, struct err *e)
{
	if (!reach->in && !end->timed_out && reach->fail == SSHFAIL_DENIED)
		return CANARY_REFUSED;
	if (keyproc_why(end, gateway, e) == 0)
		return CANARY_IN;
	return reach->in ? CANARY_IN_FAILED : -1;
}

int
canary_login(struct canary *c, const char *command, struct buf *out,
    struct err *e)
{
	struct gitreach reach = { 0 };
	struct keysend s = c->way;
	struct strv argv = { 0 };
	struct keyproc p = { .in = "", .on_said = gitreach_said, .arg = &reach,
		.timeout_ms = c->login_ms > 0 ? c->login_ms :
		    CANARY_LOGIN_MS };
	struct keyproc_end end;
	int rc = -1;

	s.set_env = "GIT_PROTOCOL=version=2";
	if (keysend_argv(&s, command, &argv, e) == 0) {
		p.argv = argv.v;
		rc = keyproc_run(&p, out, &end, e);
	}
	if (rc == 0) {
		gitreach_end(&reach, &end);
		c->status = gitprog_status(end.status);
		rc = judge(&end, &reach, s.gateway, e);
	}
	strv_clear(&argv);
	return rc;
}
