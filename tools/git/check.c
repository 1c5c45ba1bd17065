/* SPDX-License-Identifier: ISC */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strv.h"
#include "check_priv.h"
#include "secret/memfile.h"
#include "setup_both.h"
#include "ui/emit.h"

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

	if (c->json)
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

/* All rows, for the owner of the folder dir. */
static int
side(struct check *c, const struct check_row *r, const char *dir,
    struct err *e)
{
	const struct passwd *pw;
	struct err why;
	struct stat st;
	int found;

	if (stat(dir, &st) == -1)
		return err_sys(e, "%s", dir);
	pw = getpwuid(st.st_uid);
	if (pw == NULL || st.st_uid == 0)
		return err_set(e, ERR_CONFIG, "%s belongs to no user whose "
		    "logins these could be", dir);
	c->user = *pw;
	c->plain = setup_plain(&c->conf->server, pw->pw_dir);
	for (; r->what != NULL; r++) {
		why = (struct err)ERR_INIT;
		c->note[0] = '\0';
		found = look(c, r, &why);
		c->wrong += found == -1;
		if (say(c, r, found, why.msg, e) == -1)
			return -1;
	}
	return 0;
}

int
check_run(const struct gitconf *conf, bool json, struct err *e)
{
	struct check c = { .conf = conf, .json = json,
		.canary = CANARY_INIT };
	int rc = 0;

	if (geteuid() != 0)
		return err_set(e, ERR_USAGE, "only root can check all of "
		    "this");
	if (conf->server.gateway == NULL && conf->gateway.server == NULL)
		return err_set(e, ERR_CONFIG, GITCONF_PATH ": neither "
		    "[gateway] has a server nor [server] a gateway: postern "
		    "git setup-gateway, or setup-server");
	if (memfile_harden(e) == -1)
		return -1;
	buf_init(&c.said, 65536);
	if (conf->server.gateway != NULL)
		rc = side(&c, check_server_rows, conf->server.state_dir, e);
	canary_end(&c.canary);
	buf_clear(&c.said);
	if (rc == 0 && conf->gateway.server != NULL)
		rc = side(&c, check_gateway_rows, conf->gateway.keys_dir, e);
	return rc == -1 ? -1 : c.wrong > 0 ? 1 : 0;
}
