/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gitcheck.h"
#include "gitprog.h"
#include "keyline.h"
#include "keyread.h"
#include "setup_both.h"
#include "setup_text.h"
#include "setup_units.h"
#include "ui/log.h"

#define RUN	"/run/postern-git"
#define RUN_WITHOUT SETUP_STATE "/run"		/* without systemd */
#define SIGNERS	SETUP_ETC "/allowed_signers"
#define KEYS	SETUP_STATE "/keys"
/* Of root alone: the push key, and a check's own key while it runs. */
#define OURS	SETUP_KEYS " " GITCHECK_PATH
#define IN_FORCE KEYS "/current/authorized_keys"
#define PRINCIPALS KEYS "/current/principals"
#define TMPFILES "/etc/tmpfiles.d/postern-git.conf"
#define TEXT_MAX ((size_t)1 << 20)
#define COMMENT	"postern-git-push"

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

/* No password, and not locked: sshd without PAM lets no locked user in. */
static int
make_user(struct setup *s, struct err *e)
{
	const char *argv[] = { "useradd", "-r", "-M", "-d", NULL, "-s",
		"/bin/sh", "-p", "*", "-c", SETUP_GECOS, s->user.data,
		NULL };
	char home[300];
	bool there = setup_user(s);

	snprintf(home, sizeof(home), "/home/%s", s->user.data);
	argv[4] = home;
	if (!there && !s->o->dry_run) {
		if (step_run(argv, NULL, e) == -1)
			return -1;
		if (!setup_user(s))
			return err_set(e, ERR_SYS, "user %s was made, and is "
			    "not there", s->user.data);
	}
	step_say(&s->step, !there, "user %s", s->user.data);
	return 0;
}

/* Not one that somebody uses; but keys beside the base file of the original's
 * were the original's. */
static int
account(struct setup *s, struct err *e)
{
	char base[4200];
	int n = snprintf(base, sizeof(base), "%s/" SETUP_BASE, s->home.data);
	bool original = n > 0 && (size_t)n < sizeof(base) &&
	    access(base, F_OK) == 0;

	s->original = original;
	return setup_account(s, original ? NULL : KEYS "/", e) == -1 ? -1 :
	    setup_home_look(s, original, e);
}

/* Where git.conf has it; without systemd nothing would make one in /run again
 * after a restart of the host. What lies there may be from before one: places
 * begin anew with the clock, sessions by the start of their process. */
static int
run_dir(struct buf *out, struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, TEXT_MAX);
	rc = step_read(GITCONF_PATH, &text, e);
	if (rc == 0 && !setup_text_conf_get(text.data, text.len, "gateway",
	    "run-dir", out) && buf_adds(out, step_systemd() ? RUN :
	    RUN_WITHOUT) == -1)
		rc = no_mem(e);
	buf_clear(&text);
	return rc;
}

static int
run_folder(struct setup *s, struct err *e)
{
	struct buf dir, line;
	int rc = -1;

	buf_init(&dir, 4096);
	buf_init(&line, 8192);
	if (run_dir(&dir, e) == -1)
		goto out;
	rc = buf_addf(&line, "d %s 0700 %s %ju -\n", dir.data, s->user.data,
	    (uintmax_t)s->gid) == -1 ? no_mem(e) : 0;
	if (rc == 0 && step_systemd())
		rc = step_file(&s->step, TMPFILES, line.data, line.len, 0644,
		    0, e);
	if (rc == 0)
		rc = step_folder(&s->step, dir.data, 0700, s->uid, s->gid,
		    e);
out:
	buf_clear(&dir);
	buf_clear(&line);
	return rc;
}

static int
signers(struct setup *s, struct err *e)
{
	struct buf text;
	int rc;

	if (s->key.len == 0)
		return 0;
	buf_init(&text, 2 * KEYLINE_MAX);
	rc = buf_addf(&text, "%s namespaces=\"" KEYREAD_NAMESPACE "\" %s\n",
	    s->conf.gateway.server_name, s->key.data) == -1 ? no_mem(e) :
	    step_file(&s->step, SIGNERS, text.data, text.len, 0644, 0, e);
	buf_clear(&text);
	return rc;
}

static int
allow(struct setup *s, struct err *e)
{
	static const struct setup_allow a = { .program = "postern-git-proxy",
		.argument = " --auth-update", .comment = COMMENT,
		.whose = "git server", .what = "public key",
		.first = setup_import };

	return setup_allow(s, &a, e);
}

static int
mux(struct setup *s, struct err *e)
{
	const char *again[] = { "systemctl", "try-restart", SETUP_UNITS_MUX,
		NULL };
	unsigned before = s->step.changed;

	if (!step_systemd())
		return 0;
	/* No session would ask a pool that an earlier set-up started. */
	if (s->conf.gateway.exec != 0)
		return setup_unit_off(s, SETUP_UNITS_MUX, e);
	if (setup_unit(s, SETUP_UNITS_MUX, true, e) == -1)
		return -1;
	/* A pool that failed without the host key waits up to half a minute
	 * before it tries again. Otherwise it may have people's sessions. */
	return s->step.changed == before && s->pinned ? step_run(again, NULL,
	    e) : 0;
}

static bool
by_index(const struct setup *s)
{
	return s->o->lookup != NULL ? strcmp(s->o->lookup, "index") == 0 :
	    s->conf.gateway.lookup_index != 0;
}

/* Also without the index: what sshd asks for everybody else is not asked for
 * this user, whom it could let in with more than a forced command. */
static int
lookup(const struct setup *s, struct setup_sshd *d, struct err *e)
{
	struct buf command;
	int rc = -1;

	if (!by_index(s))
		return setup_sshd_add(d, "AuthorizedKeysFile", OURS " "
		    IN_FORCE, e) == -1 ? -1 : setup_sshd_add(d,
		    "AuthorizedKeysCommand", "none", e);
	buf_init(&command, 8400);
	if (gitprog_path("postern-git-keys", &command, e) == 0 &&
	    setup_sshd_may_run(command.data, e) == 0 &&
	    (buf_adds(&command, " %f " KEYS "/current/index") == 0 ||
	    no_mem(e) == 0) &&
	    setup_sshd_add(d, "AuthorizedKeysFile", OURS, e) == 0 &&
	    setup_sshd_add(d, "AuthorizedKeysCommand", command.data,
	    e) == 0)
		rc = setup_sshd_add(d, "AuthorizedKeysCommandUser",
		    s->user.data, e);
	buf_clear(&command);
	return rc;
}

/* What sshd lets others in by would let in as this user, too, and with a
 * shell: a host's authority for certificates, passwords, host-based logins.
 * An authority that root trusts for this user in an earlier file stays; by
 * the file of principals it lets in nobody but whom the git server names. */
static int
no_other_way(struct setup_sshd *d, struct err *e)
{
	static const char *const rows[][2] = {
		{ "AuthenticationMethods", "publickey" },
		{ "AuthorizedPrincipalsFile", PRINCIPALS },
		{ "AuthorizedPrincipalsCommand", "none" },
		{ "PermitTTY", "no" },
		{ "PermitUserRC", "no" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (setup_sshd_add(d, rows[i][0], rows[i][1], e) == -1)
			return -1;
	return buf_adds(&d->lines, "\tTrustedUserCAKeys none\n") == 0 ? 0 :
	    no_mem(e);
}

static int
sshd(struct setup *s, struct err *e)
{
	struct setup_sshd d = { 0 };
	int rc = -1;

	buf_init(&d.lines, 16384);
	if (lookup(s, &d, e) == 0 &&
	    setup_sshd_add(&d, "AcceptEnv", "GIT_PROTOCOL", e) == 0 &&
	    setup_sshd_add(&d, "ExposeAuthInfo", "yes", e) == 0 &&
	    setup_sshd_add(&d, "DisableForwarding", "yes", e) == 0 &&
	    no_other_way(&d, e) == 0)
		rc = setup_sshd(s, &d, e);
	setup_sshd_clear(&d);
	return rc;
}

static int
conf(struct setup *s, struct err *e)
{
	const struct setup_conf rows[] = {
		{ "server", s->o->peer, SETUP_CONF_ONLY },
		{ "mux-start", step_systemd() ? "service" : NULL,
		    SETUP_CONF_DEFAULT },
		{ "run-dir", step_systemd() ? NULL : RUN_WITHOUT,
		    SETUP_CONF_DEFAULT },
		{ "lookup", s->o->lookup, SETUP_CONF_SET },
		{ NULL } };

	return setup_conf(s, "gateway", rows, e);
}

/* The original's users go on coming in until there is all that lets them in
 * here: what sshd reads for them lies in the home. That goes last, since sshd
 * may not take its new settings. */
static int
logins(struct setup *s, struct err *e)
{
	if (s->original && s->missing) {
		log_info("logins of %s, and %s, stay as they are until "
		    "nothing is missing", s->user.data, s->home.data);
		return conf(s, e);
	}
	return sshd(s, e) == -1 || conf(s, e) == -1 ? -1 : setup_home(s, e);
}

static int
steps(struct setup *s, struct err *e)
{
	if (s->conf.server.gateway != NULL)
		return setup_other_side("git server", e);
	return make_user(s, e) == -1 || account(s, e) == -1 ||
	    setup_folders(s, false, e) == -1 ||
	    step_folder(&s->step, KEYS, 0700, s->uid, s->gid, e) == -1 ||
	    run_folder(s, e) == -1 || setup_key(s, e) == -1 ||
	    setup_pin(s, e) == -1 || signers(s, e) == -1 ||
	    allow(s, e) == -1 || logins(s, e) == -1 || mux(s, e) == -1 ?
	    -1 : 0;
}

int
setup_gateway(const struct setup_opts *o, struct err *e)
{
	static const struct setup_side side = { steps, "git server",
		"setup-server --gateway", true, true, setup_prove_gateway };

	return o->mirror != NULL ? setup_mirror(o, e) :
	    setup_run(o, &side, e);
}
