/* SPDX-License-Identifier: ISC */
#include "setup_both.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/esc.h"
#include "keyline.h"
#include "setup_text.h"
#include "ssh/authkeys.h"
#include "ssh/host.h"
#include "ui/log.h"

#define KEY	SETUP_ETC "/id_ed25519"
#define HOSTS	SETUP_ETC "/known_hosts"
#define UNITS	"/etc/systemd/system/"
#define TEXT_MAX ((size_t)1 << 20)

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

/* A public key as "TYPE BASE64". name: of what gave it. */
static int
plain_key(const char *name, const char *text, size_t len, struct buf *out,
    struct err *e)
{
	const struct authkeys_part *type, *key;
	struct keyline k;

	if (keyline_parse(text, len, &k, e) == -1)
		return err_wrap(e, "%s", name);
	type = &k.line.type;
	key = &k.line.key;
	return buf_addf(out, "%.*s %.*s", (int)type->len, type->p,
	    (int)key->len, key->p) == 0 ? 0 : no_mem(e);
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
	s->have_conf = access(GITCONF_PATH, F_OK) == 0;
	return s->have_conf ? gitconf_load(&s->conf, GITCONF_PATH, e) :
	    gitconf_init(&s->conf, e);
}

int
setup_begin(struct setup *s, const struct setup_opts *o, struct err *e)
{
	*s = (struct setup){ .o = o, .step = { .dry_run = o->dry_run } };
	buf_init(&s->here, 512);
	buf_init(&s->user, 256);
	buf_init(&s->home, 4096);
	buf_init(&s->public, KEYLINE_MAX);
	buf_init(&s->key, KEYLINE_MAX);
	buf_init(&s->host_key, KEYLINE_MAX);
	if (geteuid() != 0)
		return err_set(e, ERR_USAGE, "only root can set this up");
	if (host_check(o->peer, e) == -1 || find_here(s, e) == -1 ||
	    setup_text_user(s->here.data, &s->user, e) == -1)
		return -1;
	if (o->key != NULL && plain_key("--key", o->key, strlen(o->key),
	    &s->key, e) == -1)
		return -1;
	if (o->host_key != NULL && plain_key("--host-key", o->host_key,
	    strlen(o->host_key), &s->host_key, e) == -1)
		return -1;
	return load_conf(s, e);
}

void
setup_end(struct setup *s)
{
	gitconf_clear(&s->conf);
	buf_clear(&s->here);
	buf_clear(&s->user);
	buf_clear(&s->home);
	buf_clear(&s->public);
	buf_clear(&s->key);
	buf_clear(&s->host_key);
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
setup_folders(struct setup *s, struct err *e)
{
	struct step *t = &s->step;

	if (step_folder(t, SETUP_ETC, 0755, 0, 0, e) == -1)
		return -1;
	return step_folder(t, SETUP_STATE, 0700, s->uid, s->gid, e);
}

static int
keygen(const struct setup *s, struct err *e)
{
	char comment[300];
	const char *argv[] = { "ssh-keygen", "-q", "-t", "ed25519", "-N", "",
		"-C", comment, "-f", KEY, NULL };

	snprintf(comment, sizeof(comment), "postern-git-%s", s->here.data);
	return step_run(argv, NULL, e);
}

int
setup_key(struct setup *s, struct err *e)
{
	bool made = false, right;
	struct stat st;
	struct buf text;
	int rc = -1;

	buf_init(&text, KEYLINE_MAX);
	if (lstat(KEY, &st) == -1) {
		if (errno != ENOENT) {
			err_sys(e, "%s", KEY);
			goto out;
		}
		made = true;
		if (s->o->dry_run) {
			step_say(&s->step, true, "the key " KEY);
			rc = 0;
			goto out;
		}
		if (keygen(s, e) == -1)
			goto out;
	}
	right = !made && (st.st_mode & 07777) == 0640 && st.st_uid == 0 &&
	    st.st_gid == s->gid;
	if (!right && !s->o->dry_run && (lchown(KEY, 0, s->gid) == -1 ||
	    chmod(KEY, 0640) == -1)) {
		err_sys(e, "%s", KEY);
		goto out;
	}
	step_say(&s->step, !right, "the key " KEY);
	if (step_read(KEY ".pub", &text, e) == 0 &&
	    plain_key(KEY ".pub", text.data, text.len, &s->public, e) == 0)
		rc = 0;
out:
	buf_clear(&text);
	return rc;
}

static int
say_pin(struct setup *s, bool there, struct err *e)
{
	char fp[KEYLINE_FP_TEXT];
	struct keyline k;

	if (keyline_parse(s->host_key.data, s->host_key.len, &k, e) == -1)
		return -1;
	keyline_fp_text(k.fp, fp);
	step_say(&s->step, !there, "host key of %s pinned: %s", s->o->peer,
	    fp);
	return 0;
}

/* Without a key for it: is one there since an earlier run? */
static int
look_pin(struct setup *s, const struct buf *old, struct err *e)
{
	struct buf host;
	const char *p;

	buf_init(&host, 512);
	if (setup_text_host(s->o->peer, &host, e) == -1 ||
	    buf_addc(&host, ' ') == -1) {
		buf_clear(&host);
		return no_mem(e);
	}
	p = strstr(old->data, host.data);
	if (p != NULL && (p == old->data || p[-1] == '\n')) {
		step_say(&s->step, false, "host key of %s pinned",
		    s->o->peer);
	} else {
		log_warn("missing: the host key of %s", s->o->peer);
		s->missing = true;
	}
	buf_clear(&host);
	return 0;
}

int
setup_pin(struct setup *s, struct err *e)
{
	struct buf old, text;
	int rc = -1, there;

	buf_init(&old, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	if (step_read(HOSTS, &old, e) == -1)
		goto out;
	if (s->host_key.len == 0) {
		rc = look_pin(s, &old, e);
		goto out;
	}
	there = setup_text_hosts(old.data, old.len, s->o->peer,
	    s->host_key.data, &text, e);
	if (there == -1) {
		err_wrap(e, HOSTS);
		goto out;
	}
	if (say_pin(s, there == 1, e) == -1)
		goto out;
	rc = step_file(&s->step, HOSTS, text.data, text.len, 0644, 0, e);
out:
	buf_clear(&old);
	buf_clear(&text);
	return rc;
}

int
setup_conf(struct setup *s, const char *section, const char *key,
    const char *value, const char *now, const char *more, struct err *e)
{
	struct buf text;
	int rc = -1;

	if (now != NULL && strcmp(now, value) == 0) {
		step_say(&s->step, false, GITCONF_PATH ": %s = %s", key,
		    value);
		return 0;
	}
	if (now != NULL)
		return err_set(e, ERR_CONFIG, GITCONF_PATH ": [%s] has %s = "
		    "%s, not %s; change it there first if that is meant",
		    section, key, now, value);
	buf_init(&text, TEXT_MAX);
	if (s->have_conf && step_read(GITCONF_PATH, &text, e) == -1)
		goto out;
	/* A section of this name may be there without the key: another one
	 * of the same name adds to it. */
	if (text.len == 0)
		rc = buf_adds(&text, "# git.conf(5)\n\n");
	else
		rc = text.data[text.len - 1] != '\n' ?
		    buf_adds(&text, "\n\n") : buf_addc(&text, '\n');
	rc |= buf_addf(&text, "[%s]\n%s = %s\n%s", section, key, value, more);
	rc = rc == 0 ? step_file(&s->step, GITCONF_PATH, text.data, text.len,
	    0644, 0, e) : no_mem(e);
out:
	buf_clear(&text);
	return rc;
}

int
setup_unit(struct setup *s, const char *name, const char *text, bool start,
    struct err *e)
{
	const char *reload[] = { "systemctl", "daemon-reload", NULL };
	const char *enable[] = { "systemctl", "-q", "enable", "--now", name,
		NULL };
	const char *again[] = { "systemctl", "try-restart", name, NULL };
	unsigned before = s->step.changed;
	char path[256];

	snprintf(path, sizeof(path), UNITS "%s", name);
	if (step_file(&s->step, path, text, strlen(text), 0644, 0, e) == -1)
		return -1;
	if (s->o->dry_run || s->step.changed == before)
		return 0;
	if (step_run(reload, NULL, e) == -1)
		return -1;
	return !start ? 0 : step_run(enable, NULL, e) == -1 ? -1 :
	    step_run(again, NULL, e);
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
			rc = plain_key(path, text.data, text.len, out, e);
		buf_clear(&text);
		return rc;
	}
	return err_set(e, ERR_CONFIG, "/etc/ssh has no ssh_host_*_key.pub: "
	    "has this host an sshd?");
}

int
setup_paste(struct setup *s, const char *where, const char *command,
    struct err *e)
{
	struct buf host, line;
	int rc = -1;

	buf_init(&host, KEYLINE_MAX);
	buf_init(&line, 4 * KEYLINE_MAX);
	if (own_host_key(&host, e) == -1)
		goto out;
	rc = buf_addf(&line, "postern git %s ", command);
	rc |= esc_sh(&line, s->here.data);
	rc |= buf_adds(&line, " --here ");
	rc |= esc_sh(&line, s->o->peer);
	rc |= buf_addf(&line, " --key '%s' --host-key '%s'", s->public.data,
	    host.data);
	if (rc != 0) {
		no_mem(e);
		goto out;
	}
	log_info("run this on the %s, as root, unless it was run there:",
	    where);
	rc = printf("%s\n", line.data) > 0 && fflush(stdout) == 0 ? 0 :
	    err_sys(e, "standard output");
out:
	buf_clear(&host);
	buf_clear(&line);
	return rc;
}
