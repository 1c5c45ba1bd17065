/* SPDX-License-Identifier: ISC */
/*
 * setup: once, on the server. Each step is said: done, or was so already; a
 * second run changes nothing. What a boot loader's configuration needs is
 * printed and left to a person.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bootprog.h"
#include "build.h"
#include "builder.h"
#include "server.h"
#include "stage.h"
#include "sys/file.h"
#include "ui/log.h"
#include "watch.h"

#define TIMES		8	/* builds in a row, while files change */
#define DROPBEAR_KEYS	"/etc/dropbear/initramfs/authorized_keys"

struct setup {
	const struct server_opts *o;
	struct serverconf c;
	struct builder builder;
	struct hostkey key;
	struct buf old, text;	/* of boot.conf */
	bool dropbear;
};

static void
say(const struct setup *s, const char *word, const char *what)
{
	if (!s->o->quiet)
		printf("%-12s%s\n", word, what);
}

/* One key of [server] in text. */
static int
put(struct buf *text, const char *key, const char *value, struct err *e)
{
	struct buf next;
	int rc;

	if (value == NULL)
		return 0;
	buf_init(&next, SERVERCONF_MAX);
	rc = serverconf_put(text->data, text->len, key, value, &next, e);
	if (rc == 0) {
		buf_clear(text);
		*text = next;
	} else {
		buf_clear(&next);
	}
	return rc;
}

/* boot.conf as it will be: what was given, and what has to stand there for
 * the modules to see that they are wanted. */
static int
conf_text(const struct setup *s, bool keys_there, struct buf *text,
    struct err *e)
{
	const struct server_opts *o = s->o;
	char port[8];

	snprintf(port, sizeof(port), "%u", (unsigned)s->c.port);
	if (put(text, "port", port, e) == -1 ||
	    put(text, "authorized-keys", keys_there && o->keys == NULL ?
	    NULL : s->c.keys, e) == -1 ||
	    put(text, "emergency-keys", o->emergency, e) == -1 ||
	    put(text, "sshd", o->sshd, e) == -1)
		return -1;
	return put(text, "ip", o->ip, e);
}

/* s->text is what boot.conf will be, and s->c what that says. */
static int
plan_conf(struct setup *s, struct err *e)
{
	struct err why = ERR_INIT;

	if (file_read(SERVERCONF_FILE, &s->old, &why) == -1 &&
	    why.sys_errno != ENOENT) {
		*e = why;
		return -1;
	}
	if (buf_add(&s->text, s->old.data, s->old.len) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (conf_text(s, s->c.found, &s->text, e) == -1)
		return -1;
	serverconf_clear(&s->c);
	return serverconf_init(&s->c, e) == -1 ? -1 :
	    serverconf_parse(s->text.data, s->text.len, SERVERCONF_FILE,
	    &s->c, e);
}

static int
write_conf(const struct setup *s, struct err *e)
{
	struct stat st;
	mode_t mode = 0644;

	if (s->text.len == s->old.len &&
	    memcmp(s->text.data, s->old.data, s->old.len) == 0) {
		say(s, "as it was", SERVERCONF_FILE);
		return 0;
	}
	say(s, s->o->dry_run ? "would write" : "written", SERVERCONF_FILE);
	if (s->o->dry_run)
		return 0;
	/* The sources of a fleet's passphrases may stand there, too. */
	if (stat(SERVERCONF_FILE, &st) == 0)
		mode = st.st_mode & 0777;
	return file_mkdirs("/etc/postern", 0755, e) == -1 ? -1 :
	    file_write(SERVERCONF_FILE, s->text.data, s->text.len, mode, NULL,
	    e);
}

static int
host_key(struct setup *s, struct err *e)
{
	char text[4200];

	if (s->o->dry_run && access(s->c.host_key, F_OK) == -1) {
		say(s, "would make", s->c.host_key);
		return 0;
	}
	/* A new one is for a person to see. */
	if (hostkey_get(s->c.host_key, !s->o->if_changed, &s->key, e) == -1)
		return -1;
	snprintf(text, sizeof(text), "%s, %s", s->c.host_key, s->key.fp);
	say(s, s->key.made ? "made" : "as it was", text);
	return 0;
}

static int
keys(struct setup *s, struct err *e)
{
	struct strv notes = { 0 };
	size_t n, shell, i;
	char text[256];
	struct buf b;
	int rc;

	/* Given now, it is a slip; gone later, the image does without. */
	if (s->o->emergency != NULL &&
	    (access(s->o->emergency, R_OK) == -1 ?
	    err_sys(e, "%s", s->o->emergency) :
	    file_root_only(s->o->emergency, e)) == -1)
		return -1;
	buf_init(&b, 1u << 20);
	rc = stage_keys(&s->c, s->dropbear, &b, &notes, &n, &shell, e);
	for (i = 0; i < notes.n; i++)
		log_warn("%s", notes.v[i]);
	if (rc == 0) {
		snprintf(text, sizeof(text), "%zu key%s of %s for passphrases",
		    n, n == 1 ? "" : "s", s->c.keys);
		say(s, "found", text);
		if (shell > 0) {
			snprintf(text, sizeof(text), "%zu key%s of %s for a "
			    "shell", shell, shell == 1 ? "" : "s",
			    s->c.emergency);
			say(s, "found", text);
		}
	}
	if (rc == 0 && shell == 0 && s->c.emergency != NULL)
		log_warn("%s: no key in it can be used", s->c.emergency);
	strv_clear(&notes);
	buf_clear(&b);
	return rc;
}

/* What is on the machine that an image is made of. */
static int
parts(struct setup *s, struct err *e)
{
	if (builder_find(&s->builder, e) == -1 ||
	    stage_sshd(&s->c, &s->dropbear, e) == -1)
		return -1;
	if (!bootprog_have("cryptsetup", NULL))
		return err_set(e, ERR_CONFIG, "no cryptsetup here: install "
		    "cryptsetup (with initramfs-tools: cryptsetup-initramfs)");
	if (!s->builder.dracut && !bootprog_have("busybox", NULL))
		return err_set(e, ERR_CONFIG, "no busybox here, whose programs "
		    "our scripts need in the image: install busybox");
	if (hostkey_check(s->c.host_key, s->dropbear, e) == -1)
		return -1;
	if (s->builder.dropbear_late)
		return err_set(e, ERR_CONFIG, BUILDER_LATE ": comes after our "
		    "hook, and gives root its own keys in the image, with a "
		    "shell: remove it");
	say(s, "found", s->builder.name);
	say(s, "found", s->dropbear ? "dropbear" : "OpenSSH");
	if (s->builder.dropbear_initramfs)
		log_warn("dropbear-initramfs is installed: its sshd is left "
		    "out of images that have ours; who may log in there "
		    "stands in " DROPBEAR_KEYS " and doesn't count here");
	return 0;
}

static void
tell(const struct setup *s)
{
	char host[256] = "HOST";
	const char *name = s->o->name;

	if (name == NULL && gethostname(host, sizeof(host) - 1) == 0)
		name = host;
	if (s->o->quiet || s->o->if_changed)
		return;
	if (s->key.line != NULL)
		printf("\nOn the machines that unlock, into "
		    "/etc/postern/boot.known_hosts or\n"
		    "~/.config/postern/boot.known_hosts, with the name that "
		    "they use:\n    %s %s\n", name != NULL ? name : host,
		    s->key.line);
	if (s->c.ip == NULL)
		printf("\nOn the kernel line, unless your network there is "
		    "set otherwise (--ip puts\nit into the image):\n"
		    "    ip=dhcp\n");
	else
		printf("\nip=%s goes into the image: the kernel line needs "
		    "none, and\ncounts more where it has one.\n", s->c.ip);
	if (s->builder.dracut)
		printf("Also there: rd.luks.uuid=UUID of the disk "
		    "(dracut.cmdline(7)), if it has none.\n");
	/* Twice at once would spoil it. */
	if (!s->o->build && watch_active())
		printf("\nsystemd builds the image, now and whenever a key "
		    "changes. After that:\n    postern boot check\n");
	else if (!s->o->build)
		printf("\nThen, and whenever a key changes:\n    %s\n"
		    "    postern boot check\n", s->builder.command);
	fflush(stdout);
}

static int
watch(const struct setup *s, struct err *e)
{
	bool changed = false;

	if (watch_put(&s->c, s->o->dry_run, &changed, e) == -1)
		return -1;
	say(s, !changed ? "as it was" : s->o->dry_run ? "would write" :
	    "written", WATCH_UNITS ".path, and its service");
	return 0;
}

static int
build(const struct setup *s, struct err *e)
{
	if (s->o->dry_run) {
		say(s, "would run", s->builder.command);
		return 0;
	}
	say(s, "running", s->builder.command);
	fflush(stdout);
	return build_run(&s->builder, &s->c, s->o->if_changed, e);
}

/* All of it. 1: with --if-changed, that nothing has. */
static int
once(const struct server_opts *o, struct err *e)
{
	struct setup s = { .o = o };
	int rc = -1;

	buf_init(&s.old, SERVERCONF_MAX);
	buf_init(&s.text, SERVERCONF_MAX);
	if (stage_conf(o, &s.c, e) == -1)
		goto out;
	if (o->if_changed && build_current(&s.c)) {
		rc = 1;
		goto out;
	}
	/* All that may be wrong first: what is left then is whole. */
	if (plan_conf(&s, e) == -1 || parts(&s, e) == -1 ||
	    keys(&s, e) == -1 || host_key(&s, e) == -1 ||
	    (!o->if_changed && write_conf(&s, e) == -1) ||
	    (o->watch && watch(&s, e) == -1))
		goto out;
	builder_warn_older(&s.builder);
	tell(&s);
	rc = o->build ? build(&s, e) : 0;
out:
	serverconf_clear(&s.c);
	hostkey_clear(&s.key);
	buf_clear(&s.old);
	buf_clear(&s.text);
	return rc;
}

static void
waiting(void *arg, const char *what)
{
	(void)arg;
	log_info("waiting: %s", what);
}

int
setup_run(const struct server_opts *o, struct err *e)
{
	struct build_locks locks = { -1, -1 };
	int rc = 0, times = 0;

	/* Before boot.conf is written: systemd's service waits for it, and finds
	 * nothing to do then. */
	if (o->build && !o->dry_run)
		rc = build_lock(&locks, o->if_changed, waiting, NULL, e);
	while (rc == 0) {
		rc = once(o, e);
		if (!o->if_changed || o->dry_run)
			break;
		if (rc == 0 && ++times == TIMES)
			rc = err_set(e, ERR_BUSY, "files change all the time "
			    "while images are built");
	}
	build_unlock(&locks);
	return rc == -1 ? -1 : 0;
}
