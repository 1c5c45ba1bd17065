/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "asuser.h"
#include "base/esc.h"
#include "gitprog.h"
#include "setup_both.h"
#include "setup_text.h"
#include "setup_units.h"
#include "sys/file.h"
#include "ui/log.h"

#define LOCAL	SETUP_ETC "/gitolite"
#define TRIGGER	LOCAL "/triggers/push-authkeys"
#define CRON	"/etc/cron.d/postern-git"
#define COMMENT	"postern-git-gateway"
#define TEXT_MAX ((size_t)1 << 20)

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

static int
rc_path(const char *home, struct buf *out, struct err *e)
{
	return buf_addf(out, "%s/.gitolite.rc", home) == 0 ? 0 : no_mem(e);
}

/* Then there is no trigger to install. */
static bool
plain(const struct setup *s)
{
	return setup_plain(&s->conf.server, s->home.data);
}

/* gitolite is there and set up, in an account that can log in. */
static int
find_gitolite(struct setup *s, struct err *e)
{
	struct buf path;
	int rc;

	if (!setup_user(s))
		return err_set(e, ERR_CONFIG, "there is no user %s here: make "
		    "it and run 'gitolite setup -pk YOUR.pub' as that user; "
		    "or say with --here under whose name gitolite runs, such "
		    "as %s", s->user.data, "gitolite3@thishost");
	buf_init(&path, 4200);
	rc = rc_path(s->home.data, &path, e);
	if (rc == 0 && !plain(s) && access(path.data, F_OK) == -1)
		rc = err_set(e, ERR_CONFIG, "%s is missing: run 'gitolite "
		    "setup -pk YOUR.pub' as %s first", path.data,
		    s->user.data);
	if (rc == 0 && access(s->conf.server.shell, X_OK) == -1)
		rc = err_sys(e, "%s (gitolite-shell in " GITCONF_PATH
		    " says where it is)", s->conf.server.shell);
	buf_clear(&path);
	return rc == -1 ? -1 : setup_account(s, NULL, e);
}

static int
allow(struct setup *s, struct err *e)
{
	static const struct setup_allow a = { .program = "postern-git-serve",
		.argument = "", .comment = COMMENT, .whose = "gateway",
		.what = "public key" };

	return setup_allow(s, &a, e);
}

/* Root's, since whoever can write there runs programs as the git user. */
static int
trigger(struct setup *s, struct err *e)
{
	struct buf program;
	int rc = -1;

	if (plain(s))
		return 0;
	buf_init(&program, 4200);
	if (step_folder(&s->step, LOCAL, 0755, 0, 0, e) == 0 &&
	    step_folder(&s->step, LOCAL "/triggers", 0755, 0, 0, e) == 0 &&
	    gitprog_path("postern-git", &program, e) == 0)
		rc = step_link(&s->step, TRIGGER, program.data, e);
	buf_clear(&program);
	return rc;
}

struct write {
	const char *path;
	const struct buf *text;
	const char *kept;
};

static int
write_rc(void *arg, void *ret, struct err *e)
{
	const struct write *w = arg;

	(void)ret;
	return file_write(w->path, w->text->data, w->text->len, 0600, w->kept,
	    e);
}

/* In that user's home with that user's rights: what lies there is theirs. */
static int
write_as_user(const struct setup *s, const char *path, const struct buf *text,
    const char *kept, struct err *e)
{
	struct write w = { path, text, kept };
	const struct passwd *pw = getpwnam(s->user.data);

	return pw != NULL ? asuser_run(pw, write_rc, &w, NULL, 0, e) :
	    err_set(e, ERR_SYS, "user %s is gone", s->user.data);
}

/* What gitolite itself makes of its settings. */
static int
query(const struct setup *s, const char *name, const char *want,
    struct err *e)
{
	char home[4200];
	const char *argv[] = { "runuser", "-u", s->user.data, "--", "env",
		home, "gitolite", "query-rc", name, NULL };
	struct buf out;
	int rc;

	snprintf(home, sizeof(home), "HOME=%s", s->home.data);
	buf_init(&out, 65536);
	rc = step_run(argv, &out, e);
	if (rc == 0 && strstr(out.data, want) == NULL)
		rc = err_set(e, ERR_REFUSED, "'gitolite query-rc %s' does not "
		    "say %s", name, want);
	buf_clear(&out);
	return rc;
}

static int
edit(struct setup *s, const char *path, const struct buf *old,
    const struct buf *text, struct err *e)
{
	struct err why = ERR_INIT;
	struct buf kept;
	int rc;

	buf_init(&kept, 4200);
	rc = buf_addf(&kept, "%s.before-postern", path) == -1 ? no_mem(e) :
	    write_as_user(s, path, text, kept.data, e);
	buf_clear(&kept);
	if (rc == -1)
		return -1;
	if (query(s, "LOCAL_CODE", LOCAL, e) == 0 &&
	    query(s, "POST_COMPILE", "push-authkeys", e) == 0)
		return 0;
	if (write_as_user(s, path, old, NULL, &why) == -1)
		log_error("%s", why.msg);
	return err_wrap(e, "%s is as it was", path);
}

static int
gitolite_rc(struct setup *s, struct err *e)
{
	struct buf path, old, text;
	bool same;
	int rc = -1;

	if (plain(s))
		return 0;
	buf_init(&path, 4200);
	buf_init(&old, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	if (rc_path(s->home.data, &path, e) == -1 ||
	    setup_read(s, path.data, &old, e) == -1)
		goto out;
	if (setup_text_rc(old.data, old.len, LOCAL, &text, e) == -1) {
		err_wrap(e, "%s", path.data);
		goto out;
	}
	same = old.len == text.len &&
	    memcmp(old.data, text.data, text.len) == 0;
	rc = same || s->o->dry_run ? 0 : edit(s, path.data, &old, &text, e);
	if (rc == 0)
		step_say(&s->step, !same, "%s: the trigger, LOCAL_CODE",
		    path.data);
out:
	buf_clear(&path);
	buf_clear(&old);
	buf_clear(&text);
	return rc;
}

/* Keys reach the gateway also when it was down as they changed. */
static int
resync(struct setup *s, struct err *e)
{
	struct buf program, text;
	int rc;

	if (step_systemd())
		return setup_unit(s, SETUP_UNITS_PUSH, false, e) == -1 ? -1 :
		    setup_unit(s, SETUP_UNITS_TIMER, true, e);
	if (access("/etc/cron.d", F_OK) == -1)
		return err_set(e, ERR_CONFIG, "neither systemd nor cron is "
		    "here: nothing would bring keys again that did not "
		    "arrive");
	buf_init(&program, 4200);
	buf_init(&text, 8192);
	rc = gitprog_path("postern-git", &program, e);
	if (rc == 0)
		rc = buf_addf(&text, "*/5 * * * * %s ", s->user.data) == -1 ||
		    esc_sh(&text, program.data) == -1 ||
		    buf_adds(&text, " push-keys -q\n") == -1 ? no_mem(e) :
		    step_file(&s->step, CRON, text.data, text.len, 0644, 0,
		    e);
	buf_clear(&program);
	buf_clear(&text);
	return rc;
}

/* Our file first; behind it whatever sshd had for that user, so that those
 * who reach this host go on as before. */
static int
files(struct setup *s, struct buf *out, struct err *e)
{
	size_t n = sizeof(SETUP_KEYS) - 1;
	const char *rest;
	struct buf had;
	int rc;

	buf_init(&had, 4096);
	rc = setup_sshd_says(s, "authorizedkeysfile", &had, e);
	rest = had.data;
	if (strncmp(rest, SETUP_KEYS, n) == 0 &&
	    (rest[n] == ' ' || rest[n] == '\0'))
		rest += n + (rest[n] == ' ');
	if (rc == 0 && buf_addf(out, SETUP_KEYS "%s%s", *rest != '\0' ? " " :
	    "", rest) == -1)
		rc = no_mem(e);
	buf_clear(&had);
	return rc;
}

static int
sshd(struct setup *s, struct err *e)
{
	struct setup_sshd d = { 0 };
	struct buf keys;
	int rc = -1;

	buf_init(&d.lines, 16384);
	buf_init(&keys, 8192);
	if (files(s, &keys, e) == 0 &&
	    setup_sshd_add(&d, "AuthorizedKeysFile", keys.data, e) == 0 &&
	    setup_sshd_add(&d, "MaxSessions", "200", e) == 0 &&
	    setup_sshd_add(&d, "DisableForwarding", "yes", e) == 0)
		rc = setup_sshd(s, &d, e);
	buf_clear(&keys);
	setup_sshd_clear(&d);
	return rc;
}

static int
steps(struct setup *s, struct err *e)
{
	const struct setup_conf rows[] = {
		{ "gateway", s->o->peer, SETUP_CONF_ONLY }, { NULL } };

	if (s->conf.gateway.server != NULL)
		return setup_other_side("gateway", e);
	return find_gitolite(s, e) == -1 || setup_folders(s, true, e) == -1 ||
	    setup_key(s, e) == -1 || setup_pin(s, e) == -1 ||
	    allow(s, e) == -1 ||
	    setup_conf(s, "server", rows, e) == -1 ||
	    (!plain(s) && setup_admins(s, e) == -1) ||
	    trigger(s, e) == -1 || gitolite_rc(s, e) == -1 ||
	    resync(s, e) == -1 || sshd(s, e) == -1 ? -1 : 0;
}

/* It takes reads and nothing else, whatever the gateway may have become; and
 * has no key of its own, since it brings none: the trigger asks who may not
 * come through. */
static int
mirror_steps(struct setup *s, struct err *e)
{
	const struct setup_conf rows[] = {
		{ "read-only", "*", SETUP_CONF_DEFAULT }, { NULL } };

	if (s->conf.gateway.server != NULL)
		return setup_other_side("gateway", e);
	if (s->conf.server.gateway != NULL)
		return setup_other_side("git server", e);
	return find_gitolite(s, e) == -1 || setup_folders(s, true, e) == -1 ||
	    allow(s, e) == -1 || setup_conf(s, "server", rows, e) == -1 ||
	    (!plain(s) && setup_admins(s, e) == -1) ||
	    trigger(s, e) == -1 || gitolite_rc(s, e) == -1 ||
	    sshd(s, e) == -1 ? -1 : 0;
}

int
setup_server(const struct setup_opts *o, struct err *e)
{
	static const struct setup_side server = { steps, "gateway",
		"setup-gateway --server", true, true, setup_prove_server };
	static const struct setup_side mirror = { mirror_steps, "gateway",
		"setup-gateway --mirror", false, true, NULL };

	return setup_run(o, o->is_mirror ? &mirror : &server, e);
}
