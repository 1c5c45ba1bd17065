/* SPDX-License-Identifier: ISC */
#include "explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/esc.h"
#include "gitask.h"
#include "gitssh.h"
#include "keystore.h"
#include "ui/emit.h"

/* A session has random ones. */
#define SID	"0000000000000000"
/* A session has a memfd there. */
#define LOG	"/dev/stderr"

struct answer {
	const struct explain_opts *o;
	const char *side;
	struct gitask ask;
	struct strv argv, env;	/* env: the server's alone */
};

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

/* Each of the two: 0 with argv, or -1 as gitask.h has it. */
static int
by_gateway(const struct gitconf_gateway *c, struct answer *r, struct err *e)
{
	struct gitssh s = { .conf = c, .dest = c->server,
		.log = c->exec != 0 ? NULL : LOG };

	memcpy(r->ask.w.ip, "-", 2);
	memcpy(r->ask.w.fp, "-", 2);
	memcpy(r->ask.w.sid, SID, sizeof(SID));
	if (gitask_gateway(c, r->o->id, r->o->command,
	    getenv("GIT_PROTOCOL"), &r->ask, e) == -1)
		return -1;
	s.command = r->ask.line.data;
	return gitssh_argv(&s, &r->argv, e);
}

static int
by_server(const struct gitconf_server *c, const struct passwd *pw,
    const char *line, struct answer *r, struct err *e)
{
	if (gitask_server(c, pw->pw_dir, line, &r->ask, e) == -1 ||
	    gitask_env(&r->ask, pw, &r->env, e) == -1)
		return -1;
	if (strv_add(&r->argv, c->shell) == -1 ||
	    strv_add(&r->argv, r->ask.w.id) == -1)
		return no_mem(e);
	return 0;
}

static int
say_json(const struct answer *r, const char *why)
{
	struct emit j;
	size_t i;

	emit_begin(&j);
	emit_str(&j, "event", "explain");
	emit_str(&j, "side", r->side);
	emit_str(&j, "id", r->o->id);
	emit_str(&j, "asked", r->o->command);
	emit_bool(&j, "allowed", why == NULL);
	emit_str(&j, "why", why);
	if (why == NULL) {
		emit_str(&j, "command", r->ask.canon.data);
		emit_arr(&j, "argv");
		for (i = 0; i < r->argv.n; i++)
			emit_item(&j, r->argv.v[i]);
		emit_close(&j);
		emit_arr(&j, "environment");
		for (i = 0; i < r->env.n; i++)
			emit_item(&j, r->env.v[i]);
		emit_close(&j);
	}
	return emit_end(&j, stdout);
}

static int
add_words(struct buf *out, const struct strv *words)
{
	size_t i;

	for (i = 0; i < words->n; i++)
		if ((out->len > 0 && buf_addc(out, ' ') == -1) ||
		    esc_sh(out, words->v[i]) == -1)
			return -1;
	return 0;
}

/* The words are printable: the wire line's grammar, and git.conf is root's.
 * Why is told as the session tells it. */
static int
say_text(const struct answer *r, const char *why)
{
	struct buf line;
	int rc;

	buf_init(&line, 65536);
	if (why != NULL) {
		rc = buf_adds(&line, "refused: ");
		if (rc == 0)
			rc = esc_again(&line, why, strlen(why));
	} else {
		rc = r->env.n > 0 ? buf_adds(&line, "env -i") : 0;
		if (rc == 0)
			rc = add_words(&line, &r->env);
		if (rc == 0)
			rc = add_words(&line, &r->argv);
	}
	if (rc == 0)
		rc = puts(line.data) < 0 ? -1 : 0;
	buf_clear(&line);
	return rc;
}

/* rc and why are the judgement's. The exit status, or -1. */
static int
say(const struct answer *r, int rc, const struct err *why, struct err *e)
{
	const char *no = rc == -1 ? why->msg : NULL;

	/* That it can't be judged is no verdict. */
	if (rc == -1 && why->code != ERR_REFUSED && why->code != ERR_PEER &&
	    why->code != ERR_CONFIG) {
		*e = *why;
		return -1;
	}
	rc = r->o->json ? say_json(r, no) : say_text(r, no);
	if (rc == -1 || fflush(stdout) != 0)
		return err_sys(e, "standard output");
	return no == NULL ? 0 : 1;
}

static int
on_gateway(const struct gitconf_gateway *c, struct answer *r, struct err *e)
{
	struct err why = ERR_INIT;
	int rc;

	if (c->server == NULL)
		return err_set(e, ERR_CONFIG, GITCONF_PATH ": [gateway] has "
		    "no server");
	rc = by_gateway(c, r, &why);
	return say(r, rc, &why, e);
}

/* As a gateway that says whatever it likes would put it. */
static int
on_server(const struct gitconf_server *c, struct answer *r, struct err *e)
{
	const struct passwd *pw;
	struct err why = ERR_INIT;
	char *line = NULL;
	int rc;

	if (geteuid() == 0 && keystore_become(c->state_dir, e) == -1)
		return -1;
	pw = getpwuid(geteuid());
	if (pw == NULL)
		return err_set(e, ERR_SYS, "uid %u is no user here",
		    (unsigned)geteuid());
	if (asprintf(&line, "v1 id=%s ip=- fp=- sid=" SID " -- %s", r->o->id,
	    r->o->command) == -1)
		return no_mem(e);
	rc = by_server(c, pw, line, r, &why);
	rc = say(r, rc, &why, e);
	free(line);
	return rc;
}

int
explain_run(const struct gitconf *c, const struct explain_opts *o,
    struct err *e)
{
	struct answer r = { .o = o, .side = o->side };
	int rc;

	if (r.side == NULL)
		r.side = c->gateway.server != NULL ? "gateway" : "server";
	gitask_init(&r.ask);
	if (strcmp(r.side, "gateway") == 0)
		rc = on_gateway(&c->gateway, &r, e);
	else if (strcmp(r.side, "server") == 0)
		rc = on_server(&c->server, &r, e);
	else
		rc = err_set(e, ERR_USAGE, "--side: gateway or server");
	gitask_clear(&r.ask);
	strv_clear(&r.argv);
	strv_clear(&r.env);
	return rc;
}
