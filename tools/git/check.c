/* SPDX-License-Identifier: ISC */
#include "check.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gitprog.h"
#include "gitssh.h"
#include "gitwire.h"
#include "keybase.h"
#include "keyroll.h"
#include "setup_both.h"
#include "setup_units.h"
#include "ui/emit.h"

#define NOBODY	"postern-check"	/* a user that gitolite has not */
#define CRON	"/etc/cron.d/postern-git"

struct check {
	const struct gitconf *conf;
	const char *user;	/* whose logins they are */
	const char *home;
	bool json;
	unsigned wrong;
};

/* One thing that has to be so. */
struct row {
	const char *what;
	int (*look)(struct check *c, struct err *e);
	const char *cure;
};

/* What sshd says of word for the user has want in it. */
static int
sshd_has(struct check *c, const char *word, const char *want, struct err *e)
{
	struct setup s = { 0 };
	struct buf said;
	int rc;

	buf_init(&said, 8192);
	buf_init(&s.user, 256);
	rc = buf_adds(&s.user, c->user) == -1 ? err_set(e, ERR_MEM,
	    "out of memory") : setup_sshd_says(&s, word, &said, e);
	if (rc == 0 && strstr(said.data, want) == NULL)
		rc = err_set(e, ERR_CONFIG, "sshd's %s for %s is '%s', "
		    "without %s", word, c->user, said.data, want);
	buf_clear(&said);
	buf_clear(&s.user);
	return rc;
}

static int
gw_sshd(struct check *c, struct err *e)
{
	const struct gitconf_gateway *g = &c->conf->gateway;

	if (sshd_has(c, "authorizedkeysfile", g->base, e) == -1 ||
	    sshd_has(c, "acceptenv", "GIT_PROTOCOL", e) == -1 ||
	    sshd_has(c, "exposeauthinfo", "yes", e) == -1)
		return -1;
	if (sshd_has(c, "authorizedkeyscommand", "postern-git-keys",
	    NULL) == 0)
		return 0;
	return sshd_has(c, "authorizedkeysfile", g->keys_dir, e);
}

/* As the user whose ssh it is when somebody comes. */
static int
run_as_user(struct check *c, const struct strv *words, struct err *e)
{
	struct strv v = { 0 };
	int rc;

	rc = strv_add(&v, "runuser") | strv_add(&v, "-u") |
	    strv_add(&v, c->user) | strv_add(&v, "--");
	rc |= strv_addv(&v, words->v);
	rc = rc != 0 ? err_set(e, ERR_MEM, "out of memory") :
	    step_run((const char *const *)v.v, NULL, e);
	strv_clear(&v);
	return rc;
}

static int
gw_way(struct check *c, struct err *e)
{
	struct gitwire w = { .id = NOBODY, .ip = "-", .fp = "-",
		.command = "info", .command_len = 4 };
	struct gitssh s = { .conf = &c->conf->gateway,
		.dest = c->conf->gateway.server };
	struct strv words = { 0 };
	struct err why = ERR_INIT;
	struct buf line;
	int rc = -1;

	buf_init(&line, GITWIRE_MAX);
	if (gitprog_sid(w.sid, e) == -1 || gitwire_emit(&w, &line, e) == -1)
		goto out;
	s.command = line.data;
	if (gitssh_argv(&s, &words, e) == -1)
		goto out;
	rc = run_as_user(c, &words, &why);
	/* Who refuses it is what the key is held to. */
	if (rc == -1 && strstr(why.msg, "gitolite has no user '" NOBODY
	    "'") != NULL)
		rc = 0;
	else
		rc = err_set(e, ERR_PEER, "%s: %s", s.dest, why.msg[0] != '\0' ?
		    why.msg : "it let in a user that can't be there");
out:
	strv_clear(&words);
	buf_clear(&line);
	return rc;
}

unsigned
check_mux_up(const char *text)
{
	unsigned up = 0;
	const char *p = text;

	for (; *p != '\0'; p = strchrnul(p, '\n'), p += *p == '\n') {
		p += strspn(p, "0123456789");
		up += strncmp(p, " up ", 4) == 0;
	}
	return up;
}

static int
gw_mux(struct check *c, struct err *e)
{
	const struct gitconf_gateway *g = &c->conf->gateway;
	struct buf path, text;
	unsigned up = 0;

	/* Those that the first session starts need not be there. */
	if (g->mux == 0 || g->mux_demand != 0)
		return 0;
	buf_init(&path, 4096);
	buf_init(&text, 65536);
	if (buf_addf(&path, "%s/mux/status", g->run_dir) == 0 &&
	    step_read(path.data, &text, NULL) == 0)
		up = check_mux_up(text.data);
	buf_clear(&path);
	buf_clear(&text);
	return up == (unsigned)g->mux ? 0 : err_set(e, ERR_PEER, "%u of %u "
	    "are up", up, (unsigned)g->mux);
}

static void
on_base(void *arg, const struct err *why)
{
	struct err *first = arg;

	if (first->code == ERR_NONE)
		*first = *why;
}

static int
gw_base(struct check *c, struct err *e)
{
	struct err bad = ERR_INIT;
	struct keylist l = { 0 };
	int rc;

	rc = keybase_read(c->conf->gateway.base, &l, on_base, &bad, e);
	keylist_clear(&l);
	if (rc == 0 && bad.code != ERR_NONE) {
		*e = bad;
		rc = -1;
	}
	return rc;
}

static int
gw_keys(struct check *c, struct err *e)
{
	const struct gitconf_gateway *g = &c->conf->gateway;
	int64_t now = (int64_t)time(NULL);
	struct keystore_note note = { 0 };
	struct keyroll_gen *v = NULL;
	bool in_force = false;
	size_t n = 0, i;

	if (keyroll_list(g->keys_dir, &v, &n, &note, e) == -1)
		return -1;
	for (i = 0; i < n; i++)
		in_force = in_force || (v[i].in_force && !v[i].damaged);
	free(v);
	if (!in_force)
		return err_set(e, ERR_PEER, "no keys have come yet");
	if (g->stale_ms > 0 && (now - (int64_t)note.time_s) * 1000 >
	    g->stale_ms)
		return err_set(e, ERR_PEER, "the last push came %" PRId64
		    " s ago", now - (int64_t)note.time_s);
	return 0;
}

static int
gl_shell(struct check *c, struct err *e)
{
	return access(c->conf->server.shell, X_OK) == 0 ? 0 :
	    err_sys(e, "%s", c->conf->server.shell);
}

static int
gl_trigger(struct check *c, struct err *e)
{
	char home[4200];
	const char *argv[] = { "runuser", "-u", c->user, "--", "env", home,
		"gitolite", "query-rc", "POST_COMPILE", NULL };
	struct buf out;
	int rc;

	snprintf(home, sizeof(home), "HOME=%s", c->home);
	buf_init(&out, 65536);
	rc = step_run(argv, &out, e);
	if (rc == -1)
		err_wrap(e, "gitolite query-rc POST_COMPILE");
	if (rc == 0 && strstr(out.data, "push-authkeys") == NULL)
		rc = err_set(e, ERR_CONFIG, "POST_COMPILE has no "
		    "push-authkeys");
	buf_clear(&out);
	return rc;
}

static int
gl_sshd(struct check *c, struct err *e)
{
	return sshd_has(c, "authorizedkeysfile", SETUP_KEYS, e);
}

static int
gl_timer(struct check *c, struct err *e)
{
	const char *argv[] = { "systemctl", "-q", "is-active",
		SETUP_UNITS_TIMER, NULL };

	(void)c;
	if (step_systemd())
		return step_run(argv, NULL, e);
	return access(CRON, F_OK) == 0 ? 0 : err_sys(e, CRON);
}

static int
gl_push(struct check *c, struct err *e)
{
	struct buf program;
	int rc = -1;

	(void)c;
	buf_init(&program, 4200);
	if (gitprog_path("postern-git", &program, e) == 0)
		rc = step_run((const char *const []){ program.data,
		    "push-keys", "-q", NULL }, NULL, e);
	buf_clear(&program);
	return rc;
}

/* gw_keys comes last: it gives up being root. */
static const struct row gateway_rows[] = {
	{ "sshd on this gateway reads the keys", gw_sshd,
	    "postern git setup-gateway" },
	{ "root's own keys are such that sshd takes", gw_base,
	    "mend that line, or take it out" },
	{ "the git server lets this gateway in", gw_way,
	    "run what postern git setup-gateway prints on the git server" },
	{ "connections to the git server stand ready", gw_mux,
	    "journalctl -u postern-git-mux" },
	{ "keys are in force, and not too old", gw_keys,
	    "postern git check on the git server" },
	{ NULL }
};

static const struct row server_rows[] = {
	{ "gitolite is where git.conf says", gl_shell,
	    "gitolite-shell in " GITCONF_PATH },
	{ "gitolite runs the trigger", gl_trigger,
	    "postern git setup-server" },
	{ "sshd on this server reads the gateway's key", gl_sshd,
	    "postern git setup-server" },
	{ "keys are brought again by themselves", gl_timer,
	    "postern git setup-server" },
	{ "the gateway takes the keys", gl_push,
	    "run what postern git setup-server prints on the gateway" },
	{ NULL }
};

static int
say(struct check *c, const struct row *r, const char *why, struct err *e)
{
	struct emit j;
	int rc;

	if (c->json) {
		emit_begin(&j);
		emit_str(&j, "check", r->what);
		emit_bool(&j, "ok", why == NULL);
		emit_str(&j, "why", why);
		emit_str(&j, "cure", why != NULL ? r->cure : NULL);
		rc = emit_end(&j, stdout);
	} else if (why == NULL) {
		rc = printf("ok     %s\n", r->what) > 0 ? 0 : -1;
	} else {
		rc = printf("WRONG  %s\n       %s\n       cure: %s\n",
		    r->what, why, r->cure) > 0 ? 0 : -1;
	}
	return rc == 0 && fflush(stdout) == 0 ? 0 :
	    err_sys(e, "standard output");
}

/* All rows, as the owner of the folder dir. */
static int
side(struct check *c, const struct row *r, const char *dir, struct err *e)
{
	const struct passwd *pw;
	struct err why;
	struct stat st;
	bool bad;

	if (stat(dir, &st) == -1)
		return err_sys(e, "%s", dir);
	pw = getpwuid(st.st_uid);
	if (pw == NULL || st.st_uid == 0)
		return err_set(e, ERR_CONFIG, "%s belongs to no user whose "
		    "logins these could be", dir);
	c->user = pw->pw_name;
	c->home = pw->pw_dir;
	for (; r->what != NULL; r++) {
		why = (struct err)ERR_INIT;
		bad = r->look(c, &why) == -1;
		c->wrong += bad;
		if (say(c, r, bad ? why.msg : NULL, e) == -1)
			return -1;
	}
	return 0;
}

int
check_run(const struct gitconf *conf, bool json, struct err *e)
{
	struct check c = { .conf = conf, .json = json };

	if (geteuid() != 0)
		return err_set(e, ERR_USAGE, "only root can check all of "
		    "this");
	if (conf->server.gateway == NULL && conf->gateway.server == NULL)
		return err_set(e, ERR_CONFIG, GITCONF_PATH ": neither "
		    "[gateway] has a server nor [server] a gateway: postern "
		    "git setup-gateway, or setup-server");
	if (conf->server.gateway != NULL && side(&c, server_rows,
	    conf->server.state_dir, e) == -1)
		return -1;
	if (conf->gateway.server != NULL && side(&c, gateway_rows,
	    conf->gateway.keys_dir, e) == -1)
		return -1;
	return c.wrong > 0 ? 1 : 0;
}
