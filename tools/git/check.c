/* SPDX-License-Identifier: ISC */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/strv.h"
#include "check_priv.h"
#include "secret/memfile.h"
#include "setup_both.h"
#include "sys/clock.h"
#include "ui/emit.h"
#include "ui/log.h"

#define SAID_MAX	((size_t)1 << 20)
#define PAUSE_MS	500	/* after the first look; doubled each */
#define PAUSE_MAX_MS	4000
#define STARTS_MS	15000	/* for what a set-up has just started */
#define DENIED_MS	2000	/* sshd with its old settings, no longer; one
				 * refusal more: sshd may count them, and shuts
				 * out whom it refuses more often within
				 * seconds: PerSourcePenalties */

void
check_note(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->note, sizeof(c->note), fmt, ap);
	va_end(ap);
}

int
check_sshd_says(struct check *c, const char *word, struct buf *out,
    struct err *e)
{
	struct setup s = { 0 };
	int rc;

	buf_init(&s.user, 256);
	rc = buf_adds(&s.user, c->user.pw_name) == -1 ? err_set(e, ERR_MEM,
	    "out of memory") : setup_sshd_says(&s, word, out, e);
	buf_clear(&s.user);
	return rc;
}

static int
sshd(struct check *c, const char *word, const char *want, bool all,
    struct err *e)
{
	struct buf said;
	int rc;

	buf_init(&said, 8192);
	rc = check_sshd_says(c, word, &said, e);
	if (rc == 0 && (all ? strcmp(said.data, want) != 0 :
	    strstr(said.data, want) == NULL))
		rc = err_set(e, ERR_CONFIG, "sshd's %s for %s is '%s', %s %s",
		    word, c->user.pw_name, said.data, all ? "not" :
		    "without", want);
	buf_clear(&said);
	return rc;
}

int
check_sshd_has(struct check *c, const char *word, const char *want,
    struct err *e)
{
	return sshd(c, word, want, false, e);
}

int
check_sshd_is(struct check *c, const char *word, const char *want,
    struct err *e)
{
	return sshd(c, word, want, true, e);
}

int
check_as_user(struct check *c, const char *const *words, struct buf *out,
    struct err *e)
{
	struct strv v = { 0 };
	int rc;

	rc = strv_add(&v, "runuser") | strv_add(&v, "-u") |
	    strv_add(&v, c->user.pw_name) | strv_add(&v, "--");
	for (; rc == 0 && *words != NULL; words++)
		rc = strv_add(&v, *words);
	rc = rc != 0 ? err_set(e, ERR_MEM, "out of memory") :
	    step_run((const char *const *)v.v, out, e);
	strv_clear(&v);
	return rc;
}

static int
say_json(const struct check *c, const struct check_row *r, int found,
    const char *why)
{
	struct emit j;

	emit_begin(&j);
	emit_str(&j, "check", r->what);
	if (found == CHECK_NOT_TRIED)
		emit_str(&j, "ok", NULL);
	else
		emit_bool(&j, "ok", found == 0);
	emit_str(&j, "why", found == -1 ? why : NULL);
	emit_str(&j, "cure", found == -1 ? r->cure : NULL);
	emit_str(&j, "note", c->note[0] != '\0' ? c->note : NULL);
	return emit_end(&j, stdout);
}

static int
say(const struct check *c, const struct check_row *r, int found,
    const char *why, struct err *e)
{
	int rc;

	if (c->o->log) {
		if (found == -1)
			log_error("WRONG: %s: %s (cure: %s)", r->what, why,
			    r->cure);
		return 0;
	}
	if (c->o->json)
		rc = say_json(c, r, found, why);
	else if (found == -1)
		rc = printf("WRONG  %s\n       %s\n       cure: %s\n",
		    r->what, why, r->cure) > 0 ? 0 : -1;
	else
		rc = printf("%s  %s\n%s%s%s", found == 0 ? "ok   " :
		    "-    ", r->what, c->note[0] != '\0' ? "       note: " :
		    "", c->note, c->note[0] != '\0' ? "\n" : "") > 0 ? 0 : -1;
	return rc == 0 && fflush(stdout) == 0 ? 0 :
	    err_sys(e, "standard output");
}

static int
look(struct check *c, const struct check_row *r, struct err *why)
{
	if (!r->gitolite || !c->plain)
		return r->look(c, why);
	check_note(c, "not here: there is a keydir in " GITCONF_PATH " and no "
	    "%s/.gitolite.rc", c->user.pw_dir);
	return CHECK_NOT_TRIED;
}

/* After a set-up sshd and the pool may have a moment to go. */
static int
look_again(struct check *c, const struct check_row *r, struct err *why)
{
	uint64_t wait = PAUSE_MS, now;
	struct timespec t;
	bool denied = false;
	int found;

	for (;;) {
		*why = (struct err)ERR_INIT;
		c->note[0] = '\0';
		c->refused = false;
		found = look(c, r, why);
		now = clock_ms();
		if (found != -1 || !r->again || now >= c->until ||
		    (denied && c->refused))
			return found;
		denied = denied || c->refused;
		if (c->refused)
			wait = DENIED_MS;
		if (wait > c->until - now)
			wait = c->until - now;
		t.tv_sec = (time_t)(wait / 1000);
		t.tv_nsec = (long)(wait % 1000) * 1000000;
		nanosleep(&t, NULL);
		wait = wait < PAUSE_MAX_MS ? 2 * wait : wait;
	}
}

static int
walk(struct check *c, const struct check_row *r, struct err *e)
{
	struct err why;
	int found;

	for (; r->what != NULL; r++) {
		found = look_again(c, r, &why);
		c->wrong += found == -1;
		c->tried += found != CHECK_NOT_TRIED;
		if (say(c, r, found, why.msg, e) == -1)
			return -1;
	}
	return 0;
}

/* All rows, for the owner of the folder dir. */
static int
side(struct check *c, const struct check_row *r, const char *dir,
    struct err *e)
{
	const struct passwd *pw;
	struct stat st;

	if (stat(dir, &st) == -1)
		return err_sys(e, "%s", dir);
	pw = getpwuid(st.st_uid);
	if (pw == NULL || st.st_uid == 0)
		return err_set(e, ERR_CONFIG, "%s belongs to no user whose "
		    "logins these could be", dir);
	c->user = *pw;
	c->plain = setup_plain(&c->conf->server, pw->pw_dir);
	return walk(c, r, e);
}

/* It has neither; its folder is the git user's, as a set-up made it. */
static bool
is_mirror(const struct gitconf *conf)
{
	struct stat st;

	return conf->server.gateway == NULL && conf->gateway.server == NULL &&
	    stat(conf->server.state_dir, &st) == 0 && st.st_uid != 0;
}

/* Each with a canary of its own. */
static int
sides(struct check *c, struct err *e)
{
	const struct gitconf *conf = c->conf;
	int rc = 0;

	if (is_mirror(conf))
		return side(c, check_mirror_rows, conf->server.state_dir, e);
	if (conf->server.gateway != NULL)
		rc = side(c, check_server_rows, conf->server.state_dir, e);
	canary_end(&c->canary);
	buf_clear(&c->said);
	if (rc == 0 && conf->gateway.server != NULL &&
	    (rc = side(c, check_gateway_rows, conf->gateway.keys_dir, e)) == 0)
		rc = walk(c, check_here_rows, e);
	canary_end(&c->canary);
	buf_clear(&c->said);
	buf_clear(&c->dest);
	return rc;
}

int
check_run(const struct gitconf *conf, const struct check_opts *o,
    struct err *e)
{
	struct check c = { .conf = conf, .o = o, .canary = CANARY_INIT,
		.until = o->log ? clock_ms() + (o->timeout_ms > 0 &&
		    o->timeout_ms < STARTS_MS ? o->timeout_ms : STARTS_MS) :
		    0 };
	int rc;

	if (geteuid() != 0)
		return err_set(e, ERR_USAGE, "only root can check all of "
		    "this");
	if (conf->server.gateway == NULL && conf->gateway.server == NULL &&
	    !is_mirror(conf))
		return err_set(e, ERR_CONFIG, GITCONF_PATH ": neither "
		    "[gateway] has a server nor [server] a gateway: postern "
		    "git setup-gateway, or setup-server");
	if (memfile_harden(e) == -1)
		return -1;
	buf_init(&c.said, SAID_MAX);
	c.canary.login_ms = o->timeout_ms;
	if (o->timeout_ms > 0)
		step_limit(o->timeout_ms);
	rc = sides(&c, e);
	if (rc == 0 && o->log && c.wrong == 0)
		log_info("checked: %u things were tried, all is well",
		    c.tried);
	return rc == -1 ? -1 : c.wrong > 0 ? 1 : 0;
}
