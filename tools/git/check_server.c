/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check_priv.h"
#include "gitprobe.h"
#include "keyserial.h"
#include "setup_both.h"
#include "setup_units.h"

#define CRON	"/etc/cron.d/postern-git"
#define TRIES	3	/* pushes that somebody else's overtakes */

static int
shell(struct check *c, struct err *e)
{
	return access(c->conf->server.shell, X_OK) == 0 ? 0 :
	    err_sys(e, "%s", c->conf->server.shell);
}

static int
trigger(struct check *c, struct err *e)
{
	char home[4200];
	const char *words[] = { "env", home, "gitolite", "query-rc",
		"POST_COMPILE", NULL };
	struct buf out;
	int rc;

	snprintf(home, sizeof(home), "HOME=%s", c->user.pw_dir);
	buf_init(&out, 65536);
	rc = check_as_user(c, words, &out, e);
	if (rc == -1)
		err_wrap(e, "gitolite query-rc POST_COMPILE");
	if (rc == 0 && strstr(out.data, "push-authkeys") == NULL)
		rc = err_set(e, ERR_CONFIG, "POST_COMPILE has no "
		    "push-authkeys");
	buf_clear(&out);
	return rc;
}

static int
sshd(struct check *c, struct err *e)
{
	return check_sshd_has(c, "authorizedkeysfile", SETUP_KEYS, e) == -1 ?
	    -1 : check_certs_note(c, e);
}

static int
timer(struct check *c, struct err *e)
{
	const char *argv[] = { "systemctl", "-q", "is-active",
		SETUP_UNITS_TIMER, NULL };

	(void)c;
	if (step_systemd())
		return step_run(argv, NULL, e);
	return access(CRON, F_OK) == 0 ? 0 : err_sys(e, CRON);
}

/* The key of this check, before the gateway has heard of it. */
static int
unknown(struct check *c, struct err *e)
{
	struct buf said;
	int in;

	if (!c->canary.begun && canary_begin(&c->canary, &c->conf->server,
	    &c->user, e) == -1)
		return -1;
	buf_init(&said, 65536);
	in = canary_login(&c->canary, GITPROBE_C_INFO, &said, e);
	buf_clear(&said);
	return in <= CANARY_REFUSED ? in : err_set(e, ERR_PEER, "%s let in a "
	    "key that nobody knows", c->conf->server.gateway);
}

static int
push(struct check *c, struct err *e)
{
	struct pushkeys_result r = { 0 };

	if (!c->canary.begun)
		return CHECK_NOT_TRIED;
	if (canary_push(&c->canary, true, &r, e) == -1) {
		c->refused = !r.again && (e->code == ERR_PEER ||
		    e->code == ERR_REFUSED);
		return -1;
	}
	c->pushed = true;
	c->sequence = r.sequence;
	if (r.bad + r.twice + r.reply.skipped > 0)
		check_note(c, "%ju of the key files are left out: postern git "
		    "lint-keys", (uintmax_t)(r.bad + r.twice +
		    r.reply.skipped));
	return 0;
}

/* Somebody else's push takes the key away again: then once more. */
static bool
overtaken(const struct check *c)
{
	char path[4200];
	int n = snprintf(path, sizeof(path), "%s/sequence",
	    c->conf->server.state_dir);

	return n > 0 && (size_t)n < sizeof(path) &&
	    keyserial_last(path) > c->sequence;
}

static int
let_in(struct check *c, struct err *e)
{
	struct pushkeys_result r;
	int i, in = CANARY_REFUSED;

	if (!c->pushed)
		return CHECK_NOT_TRIED;
	for (i = 0; i < TRIES; i++) {
		buf_clear(&c->said);
		in = canary_login(&c->canary, GITPROBE_C_INFO, &c->said, e);
		if (in != CANARY_REFUSED || !overtaken(c))
			break;
		if (canary_push(&c->canary, true, &r, e) == -1)
			return -1;
		c->sequence = r.sequence;
	}
	/* Only gitolite knows 'info'; what came here is what passes() asks. */
	c->in = in == CANARY_IN || (in == CANARY_IN_FAILED && c->plain &&
	    gitprobe_way(c->said.data, &c->way));
	c->refused = in == CANARY_REFUSED;
	if (c->refused)
		err_set(e, ERR_PEER, "%s refused a key that it has taken",
		    c->conf->server.gateway);
	return c->in ? 0 : -1;
}

/* What postern-git-serve told, on its own line. */
static int
passes(struct check *c, struct err *e)
{
	if (!c->in)
		return CHECK_NOT_TRIED;
	if (!gitprobe_way(c->said.data, &c->way))
		return err_set(e, ERR_PEER, "the session did not come to this "
		    "server");
	return check_came(c, e);
}

static int
answers(struct check *c, struct err *e)
{
	if (!c->in)
		return CHECK_NOT_TRIED;
	return strstr(c->said.data, GITPROBE_GREETS) != NULL ? 0 :
	    err_set(e, ERR_PEER, "it did not greet");
}

static int
version2(struct check *c, struct err *e)
{
	return c->in && c->way.version2 ? check_version2(c, e) :
	    CHECK_NOT_TRIED;
}

static int
revoked(struct check *c, struct err *e)
{
	struct pushkeys_result r;
	struct buf said;
	int in;

	if (!c->in)
		return CHECK_NOT_TRIED;
	if (canary_push(&c->canary, false, &r, e) == -1)
		return -1;
	buf_init(&said, 65536);
	in = canary_login(&c->canary, GITPROBE_C_INFO, &said, e);
	buf_clear(&said);
	return in <= CANARY_REFUSED ? in : err_set(e, ERR_PEER, "%s let in a "
	    "key that is gone", c->conf->server.gateway);
}

const struct check_row check_server_rows[] = {
	{ "gitolite is where git.conf says", shell,
	    "gitolite-shell in " GITCONF_PATH },
	{ "gitolite runs the trigger", trigger,
	    "postern git setup-server", true },
	{ "who may change gitolite's settings is denied to the gateway",
	    check_admins, "postern git push-keys; or what gitolite logged, in "
	    "~/.gitolite/logs", true },
	{ "sshd on this server reads the gateway's key", sshd,
	    "postern git setup-server" },
	{ "no_new_privs, Landlock and seccomp confine what waits for gitolite",
	    check_jail_server, "what it names in " GITCONF_PATH },
	{ "keys are brought again by themselves", timer,
	    "postern git setup-server" },
	{ "the gateway refuses a key that nobody knows", unknown,
	    "run what postern git setup-server prints on the gateway",
	    .again = true },
	{ "the gateway takes the keys", push,
	    "run what postern git setup-server prints on the gateway",
	    .again = true },
	{ "a key that was pushed is let in", let_in,
	    "postern git check on the gateway", .again = true },
	{ "who it is and git's protocol come through", passes,
	    "postern git check on the gateway" },
	{ "gitolite answers it", answers,
	    "what gitolite logged, in ~/.gitolite/logs", true },
	{ "git answers in version 2 of its protocol", version2,
	    "what gitolite logged, in ~/.gitolite/logs", true },
	{ "a key that went is refused at once", revoked,
	    "postern git check on the gateway" },
	{ NULL }
};

/* Of a mirror, which pushes nothing: its gateway asks whether it serves. */
const struct check_row check_mirror_rows[] = {
	{ "gitolite is where git.conf says", shell,
	    "gitolite-shell in " GITCONF_PATH },
	{ "gitolite runs the trigger", trigger,
	    "postern git setup-server --mirror", true },
	{ "who may change gitolite's settings is denied to the gateway",
	    check_admins, "postern git setup-server --mirror", true },
	{ "sshd on this server reads the gateway's key", sshd,
	    "postern git setup-server --mirror" },
	{ "no_new_privs, Landlock and seccomp confine what waits for gitolite",
	    check_jail_server, "what it names in " GITCONF_PATH },
	{ NULL }
};
