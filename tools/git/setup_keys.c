/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/esc.h"
#include "gitprog.h"
#include "keyline.h"
#include "setup_both.h"
#include "setup_text.h"
#include "ui/log.h"

#define KEY	SETUP_ETC "/id_ed25519"
#define HOSTS	SETUP_ETC "/known_hosts"
#define TEXT_MAX ((size_t)1 << 20)

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

int
setup_keys_plain(const char *name, const char *text, size_t len,
    struct buf *out, struct err *e)
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
keygen(const struct setup *s, struct err *e)
{
	char comment[300];
	const char *argv[] = { "ssh-keygen", "-q", "-t", "ed25519", "-N", "",
		"-C", comment, "-f", KEY, NULL };

	snprintf(comment, sizeof(comment), "postern-git-%s", s->here.data);
	return step_run(argv, NULL, e);
}

/* A kill between ssh-keygen's two files leaves the first one alone. */
static int
public_again(struct setup *s, struct err *e)
{
	/* It takes no file of root's that others may read. */
	const char *argv[] = { "runuser", "-u", s->user.data, "--",
		"ssh-keygen", "-y", "-P", "", "-f", KEY, NULL };
	struct buf text;
	int rc;

	buf_init(&text, KEYLINE_MAX);
	rc = step_run(argv, &text, e);
	if (rc == 0)
		rc = step_file(&s->step, KEY ".pub", text.data, text.len,
		    0644, 0, e);
	buf_clear(&text);
	return rc;
}

static int
public(struct setup *s, struct err *e)
{
	struct buf text;
	struct stat st;
	int rc = -1;

	if ((lstat(KEY ".pub", &st) == -1 && errno == ENOENT) ||
	    st.st_size == 0) {
		if (s->o->dry_run)
			return 0;
		if (public_again(s, e) == -1)
			return -1;
	}
	buf_init(&text, KEYLINE_MAX);
	if (step_read(KEY ".pub", &text, e) == 0)
		rc = setup_keys_plain(KEY ".pub", text.data, text.len,
		    &s->public, e);
	buf_clear(&text);
	return rc;
}

/* The user may read it, and not its group, which may be that of a web server
 * that shows repositories. In root's folder nobody else can put another in its
 * place. */
int
setup_key(struct setup *s, struct err *e)
{
	bool made = false, right;
	struct stat st;

	if (lstat(KEY, &st) == -1) {
		if (errno != ENOENT)
			return err_sys(e, "%s", KEY);
		made = true;
		if (s->o->dry_run) {
			step_say(&s->step, true, "the key " KEY);
			return 0;
		}
		if (keygen(s, e) == -1)
			return -1;
	}
	right = !made && setup_lent(KEY, s->uid);
	if (!right && !s->o->dry_run && setup_lend(KEY, s->uid, s->gid,
	    e) == -1)
		return -1;
	step_say(&s->step, !right, "the key " KEY);
	return public(s, e);
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

/* Whether a line of text begins with word. */
static bool
line_begins(const char *text, const char *word)
{
	size_t n = strlen(word);

	while (*text != '\0' && strncmp(text, word, n) != 0) {
		text = strchrnul(text, '\n');
		text += *text == '\n';
	}
	return *text != '\0';
}

/* Without a key for it: is one there since an earlier run? */
static int
look_pin(struct setup *s, const struct buf *old, struct err *e)
{
	struct buf host;

	buf_init(&host, 512);
	if (setup_text_host(s->o->peer, &host, e) == -1 ||
	    buf_addc(&host, ' ') == -1) {
		buf_clear(&host);
		return no_mem(e);
	}
	if (line_begins(old->data, host.data)) {
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
	s->pinned = rc == 0 && there == 0 && !s->o->dry_run;
out:
	buf_clear(&old);
	buf_clear(&text);
	return rc;
}

/* The line of the other's key, which can do nothing but run program. */
static int
allowed_line(const struct setup_allow *a, const struct keyline *k,
    struct buf *out, struct err *e)
{
	struct buf path, command, options;
	int rc = -1;

	buf_init(&path, 4200);
	buf_init(&command, AUTHKEYS_LINE_MAX);
	buf_init(&options, AUTHKEYS_LINE_MAX);
	if (gitprog_path(a->program, &path, e) == 0 &&
	    (esc_sh(&command, path.data) == 0 || no_mem(e) == 0) &&
	    (buf_adds(&command, a->argument) == 0 || no_mem(e) == 0) &&
	    authkeys_command(command.data, &options, e) == 0)
		rc = authkeys_emit(options.data, &k->line, a->comment, out,
		    e);
	buf_clear(&path);
	buf_clear(&command);
	buf_clear(&options);
	return rc;
}

int
setup_allow(struct setup *s, const struct setup_allow *a, struct err *e)
{
	bool there = access(SETUP_KEYS, F_OK) == 0;
	struct buf old, line, text;
	struct keyline k;
	size_t found = 0;
	int rc = -1;

	buf_init(&old, AUTHKEYS_FILE_MAX);
	buf_init(&line, AUTHKEYS_LINE_MAX);
	buf_init(&text, AUTHKEYS_FILE_MAX);
	if (step_read(SETUP_KEYS, &old, e) == -1)
		goto out;
	if (s->key.len == 0) {
		if (strstr(old.data, a->comment) == NULL) {
			log_warn("missing: the %s's %s", a->whose, a->what);
			s->missing = true;
		}
		rc = 0;
		goto out;
	}
	if (keyline_parse(s->key.data, s->key.len, &k, e) == -1 ||
	    (!there && a->first != NULL && a->first(s, &k.line, &old,
	    e) == -1) ||
	    allowed_line(a, &k, &line, e) == -1 ||
	    authkeys_put(old.data, old.len, a->comment, line.data, &text,
	    &found, e) == -1)
		goto out;
	rc = step_file(&s->step, SETUP_KEYS, text.data, text.len, 0644, 0, e);
out:
	buf_clear(&old);
	buf_clear(&line);
	buf_clear(&text);
	return rc;
}
