/* SPDX-License-Identifier: ISC */
#include "setup_both.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/esc.h"
#include "keyline.h"
#include "setup_text.h"
#include "ssh/host.h"
#include "ui/log.h"

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

static int
find_here(struct setup *s, struct err *e)
{
	char host[256] = "";

	if (s->o->here != NULL)
		return host_check(s->o->here, e) == -1 ?
		    err_wrap(e, "--here") :
		    buf_adds(&s->here, s->o->here) == 0 ? 0 : no_mem(e);
	if (gethostname(host, sizeof(host) - 1) == -1)
		return err_sys(e, "gethostname");
	if (buf_addf(&s->here, "git@%s", host) == -1)
		return no_mem(e);
	return host_check(s->here.data, e) == -1 ? err_wrap(e, "give --here, "
	    "how the other side reaches this host") : 0;
}

static int
load_conf(struct setup *s, struct err *e)
{
	return access(GITCONF_PATH, F_OK) == -1 ? gitconf_init(&s->conf, e) :
	    gitconf_load(&s->conf, GITCONF_PATH, e);
}

static int
begin(struct setup *s, const struct setup_opts *o, struct err *e)
{
	*s = (struct setup){ .o = o, .step = { .dry_run = o->dry_run } };
	buf_init(&s->here, 512);
	buf_init(&s->user, 256);
	buf_init(&s->home, 4096);
	buf_init(&s->public, KEYLINE_MAX);
	buf_init(&s->key, KEYLINE_MAX);
	buf_init(&s->host_key, KEYLINE_MAX);
	if (o->timeout_ms > 0)
		step_limit(o->timeout_ms);
	if (geteuid() != 0)
		return err_set(e, ERR_USAGE, "only root can set this up");
	if (o->lookup != NULL && strcmp(o->lookup, "file") != 0 &&
	    strcmp(o->lookup, "index") != 0)
		return err_set(e, ERR_USAGE, "--lookup: one of: file index");
	if (host_check(o->peer, e) == -1 || find_here(s, e) == -1 ||
	    setup_text_user(s->here.data, &s->user, e) == -1)
		return -1;
	if (o->key != NULL && setup_keys_plain("--key", o->key,
	    strlen(o->key), &s->key, e) == -1)
		return -1;
	if (o->host_key != NULL && setup_keys_plain("--host-key", o->host_key,
	    strlen(o->host_key), &s->host_key, e) == -1)
		return -1;
	return load_conf(s, e);
}

static void
end(struct setup *s)
{
	gitconf_clear(&s->conf);
	buf_clear(&s->here);
	buf_clear(&s->user);
	buf_clear(&s->home);
	buf_clear(&s->public);
	buf_clear(&s->key);
	buf_clear(&s->host_key);
}

int
setup_other_side(const char *what, struct err *e)
{
	return err_set(e, ERR_REFUSED, "by " GITCONF_PATH " this host is a "
	    "%s already; a host is one of the two", what);
}

bool
setup_user(struct setup *s)
{
	const struct passwd *pw = getpwnam(s->user.data);

	if (pw == NULL)
		return false;
	s->uid = pw->pw_uid;
	s->gid = pw->pw_gid;
	buf_clear(&s->home);
	(void)buf_adds(&s->home, pw->pw_dir);
	return true;
}

int
setup_folders(struct setup *s, bool own, struct err *e)
{
	struct step *t = &s->step;

	if (step_folder(t, SETUP_ETC, 0755, 0, 0, e) == -1)
		return -1;
	return own ? step_folder(t, SETUP_STATE, 0700, s->uid, s->gid, e) :
	    step_folder(t, SETUP_STATE, 0755, 0, 0, e);
}

/* This host's own key, as others see it. */
static int
own_host_key(struct buf *out, struct err *e)
{
	static const char *const types[] = { "ed25519", "ecdsa", "rsa" };
	struct buf text;
	char path[64];
	size_t i;
	int rc;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		snprintf(path, sizeof(path), "/etc/ssh/ssh_host_%s_key.pub",
		    types[i]);
		if (access(path, R_OK) == -1)
			continue;
		buf_init(&text, KEYLINE_MAX);
		rc = step_read(path, &text, e);
		if (rc == 0)
			rc = setup_keys_plain(path, text.data, text.len, out,
			    e);
		buf_clear(&text);
		return rc;
	}
	return err_set(e, ERR_CONFIG, "/etc/ssh has no ssh_host_*_key.pub: "
	    "has this host an sshd?");
}

static int
paste(struct setup *s, const struct setup_side *side, struct err *e)
{
	struct buf host, line;
	int rc = -1;

	buf_init(&host, KEYLINE_MAX);
	buf_init(&line, 4 * KEYLINE_MAX);
	if (own_host_key(&host, e) == -1)
		goto out;
	rc = buf_addf(&line, "postern git %s ", side->command);
	rc |= esc_sh(&line, s->here.data);
	rc |= buf_adds(&line, " --here ");
	rc |= esc_sh(&line, s->o->peer);
	if (side->gives_key)
		rc |= buf_addf(&line, " --key '%s'", s->public.data);
	if (side->gives_host_key)
		rc |= buf_addf(&line, " --host-key '%s'", host.data);
	if (rc != 0) {
		no_mem(e);
		goto out;
	}
	log_info("run this on the %s, as root, unless it was run there:",
	    side->other);
	rc = printf("%s\n", line.data) > 0 && fflush(stdout) == 0 ? 0 :
	    err_sys(e, "standard output");
out:
	buf_clear(&host);
	buf_clear(&line);
	return rc;
}

/* What both say in the end. */
static int
tell(struct setup *s, const struct setup_side *side, struct err *e)
{
	if (side->gives_key && s->public.len == 0)
		return 0;
	if (paste(s, side, e) == -1)
		return -1;
	if (s->missing)
		log_info("it prints what is to be run here then");
	return 0;
}

/* By git.conf as it is now. */
static int
prove(struct setup *s, const struct setup_side *side, struct err *e)
{
	struct setup_prove p = { .user = s->user.data, .peer = s->o->peer,
		.timeout_ms = s->o->timeout_ms };
	struct gitconf c = { 0 };
	int rc = gitconf_load(&c, GITCONF_PATH, e);

	p.conf = &c;
	if (rc == 0)
		rc = side->prove(&p, e);
	gitconf_clear(&c);
	return rc;
}

int
setup_run(const struct setup_opts *o, const struct setup_side *side,
    struct err *e)
{
	struct setup s;
	int rc = begin(&s, o, e);

	if (rc == 0 && (side->steps(&s, e) == -1 || tell(&s, side, e) == -1))
		rc = -1;
	if (rc == 0 && s.missing)
		rc = 2;
	else if (rc == 0 && !o->dry_run && side->prove != NULL)
		rc = prove(&s, side, e);
	end(&s);
	return rc;
}
