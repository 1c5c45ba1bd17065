/* SPDX-License-Identifier: ISC */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hostkey.h"
#include "serverkeys.h"
#include "ssh/authkeys.h"
#include "stage.h"
#include "sys/file.h"

#define KEYS		"/root/.ssh/authorized_keys"
#define HOST_KEY	"/etc/postern-boot/host_key"
#define FINGERPRINT	"/etc/postern-boot/fingerprint"

/* Who owns it, and that nobody has more rights than sshd allows. */
static void
rights(struct check *c, const char *path, mode_t bad)
{
	struct stat st;

	if (imgtree_stat(&c->tree, path, &st) == -1)
		return;
	if (st.st_uid != 0 || (st.st_mode & bad) != 0)
		check_say(c, CHECK_ERROR, "rights", "%s in the image is of "
		    "user %u, mode %04o, which an sshd refuses: %s", path,
		    (unsigned)st.st_uid, (unsigned)st.st_mode & 07777,
		    c->build);
}

/* How many lines are for the agent, and how many for a shell. */
static void
count(const char *text, size_t len, size_t *ret_agent, size_t *ret_shell)
{
	static const char forced[] = "command=\"" SERVERKEYS_AGENT "\"";
	const char *p = text, *end = text + len, *nl, *at;
	struct authkeys_line k;
	struct err none = ERR_INIT;
	size_t n;

	*ret_agent = *ret_shell = 0;
	for (; p < end; p += n + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		n = nl != NULL ? (size_t)(nl - p) : (size_t)(end - p);
		if (authkeys_parse(p, n, &k, &none) == -1)
			continue;
		at = k.options.len > 0 ? memmem(k.options.p, k.options.len,
		    forced, sizeof(forced) - 1) : NULL;
		if (at != NULL)
			++*ret_agent;
		else
			++*ret_shell;
	}
}

/* What the machine would put in there now. */
static void
stale(struct check *c, const struct buf *text)
{
	struct strv notes = { 0 };
	struct err why = ERR_INIT;
	size_t n, shell;
	struct buf now;

	buf_init(&now, 1u << 20);
	if (stage_keys(&c->conf, c->dropbear, &now, &notes, &n, &shell,
	    &why) == -1)
		check_say(c, CHECK_WARNING, "keys-now", "%s", why.msg);
	else if (now.len != text->len ||
	    memcmp(now.data, text->data, now.len) != 0)
		check_say(c, CHECK_WARNING, "keys-stale", "%s has changed "
		    "since the image was built: %s", c->conf.keys, c->build);
	strv_clear(&notes);
	buf_clear(&now);
}

static void
keys(struct check *c)
{
	size_t agent, shell;
	struct buf text;

	buf_init(&text, 1u << 20);
	if (!imgtree_read(&c->tree, KEYS, &text))
		buf_clear(&text);
	count(text.data, text.len, &agent, &shell);
	if (agent == 0)
		check_say(c, CHECK_ERROR, "keys", KEYS " in the image has no "
		    "key whose forced command is the agent, so that nobody "
		    "can give a passphrase: put one into %s, then %s",
		    c->conf.keys, c->build);
	if (shell > 0 && c->conf.emergency == NULL)
		check_say(c, CHECK_ERROR, "shell-keys", "%zu key%s in the "
		    "image get%s a shell, and %s names no emergency-keys: %s",
		    shell, shell == 1 ? "" : "s", shell == 1 ? "s" : "",
		    SERVERCONF_FILE, c->build);
	if (text.len > 0)
		stale(c, &text);
	rights(c, KEYS, 022);
	rights(c, "/root/.ssh", 022);
	rights(c, "/root", 022);
	rights(c, "/", 022);
	buf_clear(&text);
}

/* Whether root of this machine has one that sulogin asks for. */
static bool
has_password(void)
{
	struct err none = ERR_INIT;
	struct buf b;
	const char *p;
	bool found = false;

	buf_init(&b, 1u << 20);
	if (file_read("/etc/shadow", &b, &none) == 0) {
		p = strncmp(b.data, "root:", 5) == 0 ? b.data :
		    strstr(b.data, "\nroot:");
		if (p != NULL) {
			p += *p == '\n' ? 6 : 5;
			found = strchr("!*:", *p) == NULL;
		}
	}
	buf_clear(&b);
	return found;
}

/* The fields of root's line in an image's file, or false. */
static bool
root_line(const struct check *c, const char *path, char *ret, size_t size)
{
	const char *p;
	struct buf b;
	bool found = false;

	buf_init(&b, 65536);
	if (imgtree_read(&c->tree, path, &b)) {
		p = strncmp(b.data, "root:", 5) == 0 ? b.data :
		    strstr(b.data, "\nroot:");
		if (p != NULL) {
			p += *p == '\n';
			snprintf(ret, size, "%.*s", (int)strcspn(p, "\n"), p);
			found = true;
		}
	}
	buf_clear(&b);
	return found;
}

static void
root(struct check *c)
{
	char line[512], *shell, *home;

	if (!root_line(c, "/etc/passwd", line, sizeof(line)) ||
	    strncmp(strchr(line + 5, ':') != NULL ? strchr(line + 5, ':') : "",
	    ":0:", 3) != 0) {
		check_say(c, CHECK_ERROR, "root", "the image's /etc/passwd "
		    "has no root with uid 0: %s", c->build);
	} else {
		shell = strrchr(line, ':') + 1;
		shell[-1] = '\0';
		home = strrchr(line, ':') + 1;
		if (strcmp(home, "/root") != 0)
			check_say(c, CHECK_ERROR, "root-home", "root's home in "
			    "the image is %s, and not /root: other keys than "
			    "ours may log in there, and ours may not: %s",
			    home, c->build);
		if (!imgtree_has(&c->tree, *shell != '\0' ? shell :
		    "/bin/sh"))
			check_say(c, CHECK_ERROR, "root-shell", "root's shell "
			    "%s isn't in the image: %s", shell, c->build);
		if (line[5] == '!')
			check_say(c, CHECK_ERROR, "root-locked", "root is "
			    "locked in the image's /etc/passwd, and an sshd "
			    "lets no key in: %s", c->build);
	}
	if (!root_line(c, "/etc/shadow", line, sizeof(line)))
		return;
	if (line[5] == '!')
		check_say(c, CHECK_ERROR, "root-locked", "root is locked in "
		    "the image's /etc/shadow, and an sshd lets no key in: %s",
		    c->build);
	if (c->systemd && c->hostonly && line[5] == '*' && has_password())
		check_say(c, CHECK_WARNING, "emergency-shell", "root has a "
		    "password here and none in the image, whose emergency "
		    "console gives a shell without one: %s", c->build);
}

/* The image's own key, read where it lies, to line: what is in there counts,
 * whatever the machine's configuration says by now. false: no program here
 * can read it. */
static bool
key_line(struct check *c, const struct stat *st, struct buf *line)
{
	char path[160], real[4096];

	snprintf(path, sizeof(path), "%s" HOST_KEY, c->tree.root);
	if (!hostkey_public(path, line)) {
		check_say(c, CHECK_WARNING, "host-key-unread", "the boot host "
		    "key in the image can't be read by a program that is "
		    "here, so that nothing tells whether it is the real "
		    "sshd's: postern boot setup, then %s", c->build);
		return false;
	}
	if (hostkey_real(line->data, st, real, sizeof(real)))
		check_say(c, CHECK_ERROR, "host-key-real", "the real sshd's "
		    "host key (%s) is in the image, for whoever can read it: "
		    "remove host-key from %s, make the real sshd a new one, "
		    "then %s", real, SERVERCONF_FILE, c->build);
	return true;
}

static void
host_key(struct check *c)
{
	struct hostkey now = { 0 };
	struct err why = ERR_INIT;
	struct buf fp, line;
	struct stat st;
	bool known;

	if (imgtree_stat(&c->tree, HOST_KEY, &st) == -1 || st.st_size == 0) {
		check_say(c, CHECK_ERROR, "host-key", HOST_KEY " isn't in the "
		    "image: postern boot setup, then %s", c->build);
		return;
	}
	rights(c, HOST_KEY, 077);
	buf_init(&line, HOSTKEY_PUB_MAX);
	buf_init(&fp, 1024);
	known = key_line(c, &st, &line);
	if (hostkey_get(c->conf.host_key, false, &now, &why) == 0 &&
	    ((known && strcmp(line.data, now.line) != 0) ||
	    !imgtree_read(&c->tree, FINGERPRINT, &fp) ||
	    strncmp(fp.data, now.fp, strlen(now.fp)) != 0))
		check_say(c, CHECK_WARNING, "host-key-stale", "%s is another "
		    "than the image has, or shows, and those who pinned it "
		    "would be refused: %s", c->conf.host_key, c->build);
	hostkey_clear(&now);
	buf_clear(&line);
	buf_clear(&fp);
}

void
check_login(struct check *c)
{
	struct stat st;

	keys(c);
	root(c);
	host_key(c);
	if (stat(c->image, &st) == 0 && (st.st_mode & 077) != 0)
		check_say(c, CHECK_WARNING, "image-rights", "%s can be read "
		    "by others, and the boot host key in it: chmod 600 %s",
		    c->image, c->image);
}
