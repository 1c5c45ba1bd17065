/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "authgen.h"
#include "gitprog.h"
#include "keyline.h"
#include "keyread.h"
#include "setup_both.h"
#include "ssh/authkeys.h"
#include "ui/log.h"

#define RUN	"/run/postern-git"
#define BASE	SETUP_ETC "/authorized_keys"
#define SIGNERS	SETUP_ETC "/allowed_signers"
#define KEYS	SETUP_STATE "/keys"
#define IN_FORCE KEYS "/current/authorized_keys"
#define TMPFILES "/etc/tmpfiles.d/postern-git.conf"
#define MUX	"postern-git-mux.service"
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
	const char *argv[] = { "useradd", "-r", "-m", "-d", NULL, "-s",
		"/bin/sh", "-p", "*", "-c", "postern git", s->user.data,
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

static int
run_folder(struct setup *s, struct err *e)
{
	char line[320];
	int n = snprintf(line, sizeof(line), "d " RUN " 0700 %s %ju -\n",
	    s->user.data, (uintmax_t)s->gid);

	if (step_systemd() && step_file(&s->step, TMPFILES, line, (size_t)n,
	    0644, 0, e) == -1)
		return -1;
	return step_folder(&s->step, RUN, 0700, s->uid, s->gid, e);
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

/* Lines of the original's authorized_keys.base, but one that has the push
 * key: that gets a line of ours. A line that sshd would pass over would hold
 * up every update; it is left out and named. */
static int
import(struct setup *s, const char *path, const struct authkeys_line *push,
    struct buf *out, struct err *e)
{
	struct keylist list = { 0 };
	struct authkeys_line k;
	struct buf text;
	const char *p, *nl;
	unsigned n = 0;
	size_t len;
	int rc = 0;

	buf_init(&text, AUTHKEYS_FILE_MAX);
	if (step_read(path, &text, e) == -1)
		rc = -1;
	for (p = text.data; rc == 0 && *p != '\0'; p = nl + (*nl == '\n')) {
		nl = strchrnul(p, '\n');
		len = (size_t)(nl - p);
		n++;
		if (push != NULL && authkeys_parse(p, len, &k, NULL) == 0 &&
		    authkeys_same(&k, push))
			continue;
		if (authgen_base(path, p, len, &list, e) == -1) {
			log_warn("left out: %s line %u: %s", path, n, e->msg);
			continue;
		}
		rc = buf_add(out, p, len) == -1 || buf_addc(out, '\n') == -1 ?
		    no_mem(e) : 0;
	}
	if (rc == 0 && n > 0)
		log_info("taken over: %s; its users' keys come with the next "
		    "push of the git server", path);
	keylist_clear(&list);
	buf_clear(&text);
	return rc;
}

/* The push key's line, which can do nothing but bring keys. */
static int
push_line(const struct authkeys_line *push, struct buf *out, struct err *e)
{
	struct buf command, options;
	int rc = -1;

	buf_init(&command, 4200);
	buf_init(&options, AUTHKEYS_LINE_MAX);
	if (gitprog_path("postern-git-proxy", &command, e) == 0 &&
	    (buf_adds(&command, " --auth-update") == 0 || no_mem(e) == 0) &&
	    authkeys_command(command.data, &options, e) == 0)
		rc = authkeys_emit(options.data, push, COMMENT, out, e);
	buf_clear(&command);
	buf_clear(&options);
	return rc;
}

static int
base(struct setup *s, struct err *e)
{
	struct buf old, line, text, path;
	struct keyline push = { 0 };
	bool have = s->key.len > 0;
	size_t found = 0;
	int rc = -1;

	buf_init(&old, AUTHKEYS_FILE_MAX);
	buf_init(&line, AUTHKEYS_LINE_MAX);
	buf_init(&text, AUTHKEYS_FILE_MAX);
	buf_init(&path, 4200);
	if (have && keyline_parse(s->key.data, s->key.len, &push, e) == -1)
		goto out;
	if (access(BASE, F_OK) == 0) {
		if (step_read(BASE, &old, e) == -1)
			goto out;
	} else if (have) {
		if (buf_addf(&path, "%s/.ssh/authorized_keys.base",
		    s->home.data) == -1) {
			no_mem(e);
			goto out;
		}
		if (s->home.len > 0 && import(s, path.data, &push.line, &old,
		    e) == -1)
			goto out;
	}
	if (!have) {
		if (strstr(old.data, COMMENT) == NULL) {
			log_warn("missing: the git server's public key");
			s->missing = true;
		}
		rc = 0;
		goto out;
	}
	if (push_line(&push.line, &line, e) == -1 || authkeys_put(old.data,
	    old.len, COMMENT, line.data, &text, &found, e) == -1)
		goto out;
	rc = step_file(&s->step, BASE, text.data, text.len, 0644, 0, e);
out:
	buf_clear(&old);
	buf_clear(&line);
	buf_clear(&text);
	buf_clear(&path);
	return rc;
}

static int
mux(struct setup *s, struct err *e)
{
	const char *again[] = { "systemctl", "try-restart", MUX, NULL };
	unsigned before = s->step.changed;
	struct buf program, text;
	int rc = -1;

	if (!step_systemd())
		return 0;
	buf_init(&program, 4200);
	buf_init(&text, 8192);
	if (gitprog_path("postern-git", &program, e) == -1)
		goto out;
	if (buf_addf(&text, "[Unit]\n"
	    "Description=postern git: connections to the git server\n"
	    "After=network.target\n\n"
	    "[Service]\nUser=%s\nExecStart=%s mux\nRestart=on-failure\n"
	    "RestartSec=5s\nNoNewPrivileges=yes\nPrivateTmp=yes\n"
	    "ProtectSystem=strict\nReadWritePaths=" RUN "\n\n"
	    "[Install]\nWantedBy=multi-user.target\n", s->user.data,
	    program.data) == -1) {
		no_mem(e);
		goto out;
	}
	rc = setup_unit(s, MUX, text.data, true, e);
	/* A pool that failed without the host key waits up to half a minute
	 * before it tries again. */
	if (rc == 0 && s->step.changed == before && !s->missing &&
	    before > 0 && !s->o->dry_run)
		rc = step_run(again, NULL, e);
out:
	buf_clear(&program);
	buf_clear(&text);
	return rc;
}

static int
sshd(struct setup *s, struct err *e)
{
	static const char *const want[] = {
		"authorizedkeysfile " BASE " " IN_FORCE,
		"acceptenv GIT_PROTOCOL", "exposeauthinfo yes",
		"disableforwarding yes", NULL };

	return setup_sshd(s, "\tAuthorizedKeysFile " BASE " " IN_FORCE "\n"
	    "\tAcceptEnv GIT_PROTOCOL\n\tExposeAuthInfo yes\n"
	    "\tDisableForwarding yes\n", want, e);
}

static int
steps(struct setup *s, struct err *e)
{
	const struct gitconf_gateway *c = &s->conf.gateway;

	if (make_user(s, e) == -1 || setup_folders(s, e) == -1 ||
	    step_folder(&s->step, KEYS, 0700, s->uid, s->gid, e) == -1 ||
	    run_folder(s, e) == -1 || setup_key(s, e) == -1 ||
	    setup_pin(s, e) == -1 || signers(s, e) == -1 ||
	    base(s, e) == -1 ||
	    setup_conf(s, "gateway", "server", s->o->peer, c->server,
	    step_systemd() ? "mux-start = service\n" : "", e) == -1 ||
	    mux(s, e) == -1 || sshd(s, e) == -1)
		return -1;
	if (s->public.len > 0 && setup_paste(s, "git server",
	    "setup-server --gateway", e) == -1)
		return -1;
	if (s->missing)
		log_info("it prints what is to be run here then");
	else
		log_info("then, or within five minutes by itself: postern git "
		    "push-keys on the git server");
	return 0;
}

int
setup_gateway(const struct setup_opts *o, struct err *e)
{
	struct setup s;
	int rc = setup_begin(&s, o, e);

	if (rc == 0)
		rc = steps(&s, e);
	if (rc == 0 && s.missing)
		rc = 2;
	setup_end(&s);
	return rc;
}
