/* SPDX-License-Identifier: ISC */
#include "check_canary.h"

#include <string.h>
#include <sys/wait.h>

#include "asuser.h"
#include "gitcheck.h"
#include "keycmds.h"
#include "keyproc.h"
#include "keysend.h"
#include "ssh/edkey.h"
#include "ssh/sshargv.h"
#include "ui/log.h"

#define SSH_FAILED 255	/* ssh's own status; a command's is another one */
#define LOGIN_MS	30000	/* all limits of both sides are below it */

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

int
canary_begin(struct canary *c, const struct gitconf_server *conf,
    const struct passwd *user, struct err *e)
{
	sigset_t ends;

	c->conf = conf;
	c->user = user;
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, &c->old);
	c->begun = true;
	if (make_key(c, e) == 0 &&
	    gitcheck_open(user->pw_gid, c->fp, &c->held, e) == 0)
		return 0;
	canary_end(c);
	return -1;
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
	gitcheck_close(c->held);
	memfile_clear(&c->key);
	buf_clear(&c->public);
	c->held = -1;
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

static void
on_said(void *arg, const char *line)
{
	enum sshfail *worst = arg, f = sshargv_fail(line);

	if (f > *worst)
		*worst = f;
}

static int
judge(const struct keyproc_end *end, enum sshfail worst, const char *gateway,
    struct err *e)
{
	bool ssh = !WIFEXITED(end->status) ||
	    WEXITSTATUS(end->status) == SSH_FAILED;

	if (ssh && !end->timed_out && worst == SSHFAIL_DENIED)
		return CANARY_REFUSED;
	if (keyproc_why(end, gateway, e) == 0)
		return CANARY_IN;
	return ssh || end->timed_out ? -1 : CANARY_IN_FAILED;
}

int
canary_login(struct canary *c, struct buf *out, struct err *e)
{
	enum sshfail worst = SSHFAIL_OTHER;
	struct keysend s = keycmds_send(c->conf);
	struct strv argv = { 0 };
	struct keyproc p = { .in = "", .timeout_ms = LOGIN_MS,
		.on_said = on_said, .arg = &worst };
	struct keyproc_end end;
	int rc = -1;

	s.key = c->key.path;
	s.set_env = "GIT_PROTOCOL=version=2";
	if (keysend_argv(&s, "info", &argv, e) == 0) {
		p.argv = argv.v;
		rc = keyproc_run(&p, out, &end, e);
	}
	if (rc == 0)
		rc = judge(&end, worst, s.gateway, e);
	strv_clear(&argv);
	return rc;
}
