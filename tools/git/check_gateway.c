/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "asuser.h"
#include "check.h"
#include "check_priv.h"
#include "gitcheck.h"
#include "gwask.h"
#include "keybase.h"
#include "keyroll.h"
#include "keystale.h"
#include "muxstat.h"
#include "setup_both.h"
#include "sys/file.h"

#define FILE_KEYS	2000	/* above it the index is faster to ask */

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

/* How keys are found is as git.conf says. */
static int
finds(struct check *c, struct err *e)
{
	const struct gitconf_gateway *g = &c->conf->gateway;
	struct buf path;
	int rc = -1;

	buf_init(&path, 8192);
	if (buf_addf(&path, "%s/current/authorized_keys", g->keys_dir) == -1)
		no_mem(e);
	else if (g->lookup_index == 0)
		rc = check_sshd_has(c, "authorizedkeysfile", path.data,
		    e) == -1 || check_sshd_is(c, "authorizedkeyscommand",
		    "none", e) == -1 ? -1 : 0;
	else if (check_sshd_has(c, "authorizedkeysfile", path.data,
	    NULL) == 0)
		err_set(e, ERR_CONFIG, "sshd's authorizedkeysfile has %s, and "
		    "lookup = index in " GITCONF_PATH, path.data);
	else
		rc = check_sshd_has(c, "authorizedkeyscommand",
		    "/postern-git-keys %f", e) == -1 || check_sshd_is(c,
		    "authorizedkeyscommanduser", c->user.pw_name, e) == -1 ?
		    -1 : 0;
	buf_clear(&path);
	return rc;
}

static int
sshd(struct check *c, struct err *e)
{
	return check_sshd_has(c, "authorizedkeysfile", c->conf->gateway.base,
	    e) == -1 || check_sshd_has(c, "authorizedkeysfile", GITCHECK_PATH,
	    e) == -1 || finds(c, e) == -1 ||
	    check_sshd_has(c, "acceptenv", "GIT_PROTOCOL", e) == -1 ||
	    check_sshd_is(c, "exposeauthinfo", "yes", e) == -1 ||
	    check_sshd_is(c, "disableforwarding", "yes", e) == -1 ||
	    check_sshd_is(c, "authenticationmethods", "publickey",
	    e) == -1 || check_sshd_is(c, "authorizedprincipalscommand",
	    "none", e) == -1 || check_sshd_has(c, "authorizedprincipalsfile",
	    c->conf->gateway.keys_dir, e) == -1 ? -1 : 0;
}

/* sshd reads a file only when nobody but its user and root can change it. */
static int
strict(const char *path, uid_t uid, struct err *e)
{
	char at[PATH_MAX];
	struct stat st;

	if (realpath(path, at) == NULL)
		return err_sys(e, "%s", path);
	for (;; dirname(at)) {
		if (stat(at, &st) == -1)
			return err_sys(e, "%s", at);
		if ((st.st_uid != 0 && st.st_uid != uid) ||
		    (st.st_mode & 022) != 0)
			return err_set(e, ERR_UNSAFE, "sshd would not read "
			    "%s: others may change %s", path, at);
		if (strcmp(at, "/") == 0)
			return 0;
	}
}

/* Of the keys in force, read as their owner. */
struct in_force {
	uint64_t gen;		/* 0: there are none */
	size_t keys;
	char fp[KEYLINE_FP_TEXT];	/* of one of them; "": there is none */
};

static int
read_index(const struct keystore *ks, struct in_force *f, struct err *e)
{
	struct keystore_map m = { 0 };
	struct authindex x;
	int rc = -1;

	if (keystore_map(ks, f->gen, "index", &m, e) == 0 &&
	    authindex_parse(m.p, m.len, &x, e) == 0 &&
	    authindex_verify(&x, e) == 0) {
		f->keys = x.count;
		if (x.count > 0)
			keyline_fp_text(x.entries, f->fp);
		rc = 0;
	}
	keystore_unmap(&m);
	return rc;
}

static int
in_force(void *arg, void *ret, struct err *e)
{
	struct keystore ks = KEYSTORE_INIT;
	struct in_force *f = ret;
	int rc = -1;

	if (keystore_open(arg, &ks, e) == 0 &&
	    keystore_current(&ks, &f->gen, e) == 0)
		rc = f->gen == 0 ? 0 : read_index(&ks, f, e);
	keystore_close(&ks);
	return rc;
}

/* The command as sshd has it, of which %f is one word. */
static int
ask(struct check *c, const char *command, const char *fp, struct err *e)
{
	struct strv words = { 0 };
	char *copy = strdup(command), *word, *save = NULL;
	struct buf said;
	int rc = copy == NULL ? -1 : 0;

	buf_init(&said, 65536);
	for (word = rc == 0 ? strtok_r(copy, " ", &save) : NULL;
	    rc == 0 && word != NULL; word = strtok_r(NULL, " ", &save))
		rc = strv_add(&words, strcmp(word, "%f") == 0 ? fp : word);
	if (rc == -1)
		no_mem(e);
	else if (setup_sshd_may_run(words.v[0], e) == -1 || check_as_user(c,
	    (const char *const *)words.v, &said, e) == -1)
		rc = -1;
	else if (strncmp(said.data, "restrict,command=", 17) != 0)
		rc = err_set(e, ERR_PEER, "%s does not find %s, which is in "
		    "force", words.v[0], fp);
	buf_clear(&said);
	strv_clear(&words);
	free(copy);
	return rc;
}

static int
ask_index(struct check *c, const char *fp, struct err *e)
{
	struct buf command;
	int rc;

	buf_init(&command, 8192);
	rc = check_sshd_says(c, "authorizedkeyscommand", &command, e);
	if (rc == 0 && strstr(command.data, " %f") == NULL)
		rc = CHECK_NOT_TRIED;
	if (rc == 0)
		rc = ask(c, command.data, fp, e);
	buf_clear(&command);
	return rc;
}

/* As sshd does at a login. */
static int
found(struct check *c, struct err *e)
{
	const struct gitconf_gateway *g = &c->conf->gateway;
	struct in_force f = { 0 };
	struct buf path;
	int rc;

	if (strict(g->base, c->user.pw_uid, e) == -1 ||
	    asuser_run(&c->user, in_force, g->keys_dir, &f, sizeof(f),
	    e) == -1)
		return -1;
	if (f.fp[0] == '\0')
		return CHECK_NOT_TRIED;
	if (g->lookup_index != 0)
		return ask_index(c, f.fp, e);
	if (f.keys > FILE_KEYS)
		check_note(c, "%zu keys: postern git setup-gateway --lookup "
		    "index saves each login the time to read them all",
		    f.keys);
	buf_init(&path, 8192);
	rc = buf_addf(&path, "%s/current/authorized_keys", g->keys_dir) ==
	    -1 ? no_mem(e) : strict(path.data, c->user.pw_uid, e);
	buf_clear(&path);
	return rc;
}

/* What gitolite makes of it is another row's. */
static int
way(struct check *c, struct err *e)
{
	const struct gwask a = { .conf = &c->conf->gateway,
		.user = c->user.pw_name, .timeout_ms = c->o->timeout_ms };
	struct gitreach reach;
	int rc = gwask_way(&a, &c->way, &reach, e);

	c->refused = reach.fail == SSHFAIL_DENIED;
	return rc;
}

static int
mux(struct check *c, struct err *e)
{
	const struct gitconf_gateway *g = &c->conf->gateway;
	struct buf text;
	unsigned up = 0;

	/* Those that the first session starts need not be there. */
	if (g->mux == 0 || g->mux_demand != 0 || g->exec != 0)
		return 0;
	buf_init(&text, 65536);
	if (file_read_below(g->run_dir, "mux/status", &text, NULL) == 0)
		up = muxstat_up(text.data);
	buf_clear(&text);
	return up == (unsigned)g->mux ? 0 : err_set(e, ERR_PEER, "%u of %u "
	    "are up", up, (unsigned)g->mux);
}

/* Of all generations, read as their owner. */
struct all {
	struct keystore_note note;
	bool in_force;
};

static int
list(void *arg, void *ret, struct err *e)
{
	struct keyroll_gen *v = NULL;
	struct all *a = ret;
	size_t n = 0, i;

	if (keyroll_list(arg, &v, &n, &a->note, e) == -1)
		return -1;
	for (i = 0; i < n; i++)
		a->in_force = a->in_force || (v[i].in_force && !v[i].damaged);
	free(v);
	return 0;
}

static int
too_old(const struct keystore_note *last, int64_t now, struct err *e)
{
	char ago[KEYSTALE_AGO];

	keystale_ago(last, now, ago);
	return err_set(e, ERR_PEER, "they are too old; last push: %s", ago);
}

static int
keys(struct check *c, struct err *e)
{
	const struct gitconf_gateway *g = &c->conf->gateway;
	struct all a = { 0 };
	int64_t now;

	if (asuser_run(&c->user, list, g->keys_dir, &a, sizeof(a), e) == -1)
		return -1;
	if (!a.in_force)
		return err_set(e, ERR_PEER, "no keys have come yet");
	now = (int64_t)time(NULL);
	if (keystale_is(&a.note, g->stale_ms, now))
		return too_old(&a.note, now, e);
	return 0;
}

static void
on_base(void *arg, const struct err *why)
{
	struct err *first = arg;

	if (first->code == ERR_NONE)
		*first = *why;
}

static int
base(struct check *c, struct err *e)
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

const struct check_row check_gateway_rows[] = {
	{ "sshd on this gateway reads the keys", sshd,
	    "postern git setup-gateway" },
	{ "no certificate is a login without a user's id", check_certs,
	    "postern git setup-gateway, or take TrustedUserCAKeys out: "
	    "docs/git.md" },
	{ "a key that is in force is found by sshd", found,
	    "postern git setup-gateway; where keys are damaged, postern git "
	    "push-keys on the git server" },
	{ "root's own keys are such that sshd takes", base,
	    "mend that line, or take it out" },
	{ "the git user can change keys and sessions, and nothing else",
	    check_rights, "postern git setup-gateway; what it does not mend, "
	    "chown root" },
	{ "no_new_privs, Landlock and seccomp confine sessions and updates",
	    check_jail_gateway, "what it names in " GITCONF_PATH },
	{ "the git server lets this gateway in", way,
	    "run what postern git setup-gateway prints on the git server",
	    .again = true },
	{ "connections to the git server stand ready", mux,
	    "journalctl -u postern-git-mux", .again = true },
	{ "keys are in force, and not too old", keys,
	    "postern git check on the git server" },
	{ "each mirror lets this gateway in", check_mirrors,
	    "postern git setup-gateway --mirror, and what it prints" },
	{ NULL }
};
