/* SPDX-License-Identifier: ISC */
/*
 * stage: what goes into an image, into a folder that a module copies from:
 * authorized_keys, host_key, sshd_config (OpenSSH's), fingerprint (for the
 * console), and conf, which the image's script reads.
 */
#include "stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bootprog.h"
#include "server.h"
#include "serverkeys.h"
#include "sys/file.h"
#include "ui/log.h"

#define TEXT_MAX	(1u << 20)

/* Port and host key stand before it. Nothing but root by key, and what the
 * keys' own options allow. */
static const char sshd_config[] =
    "HostKey /etc/postern-boot/host_key\n"
    "AuthorizedKeysFile /root/.ssh/authorized_keys\n"
    "PidFile none\n"
    "AllowUsers root\n"
    "PermitRootLogin prohibit-password\n"
    "PasswordAuthentication no\n"
    "KbdInteractiveAuthentication no\n"
    "UsePAM no\n"
    "ExposeAuthInfo yes\n"
    "DisableForwarding yes\n"
    "PermitUserRC no\n"
    "PrintLastLog no\n"
    "PrintMotd no\n"
    "UseDNS no\n"
    "LoginGraceTime 30\n";

int
stage_conf(const struct server_opts *o, struct serverconf *ret,
    struct err *e)
{
	struct serverconf given = { 0 };
	struct err why = ERR_INIT;
	struct buf text;
	int rc = -1;

	buf_init(&text, SERVERCONF_MAX);
	if (serverconf_init(ret, e) == -1)
		return -1;
	if (file_read(SERVERCONF_FILE, &text, &why) == -1) {
		if (why.sys_errno != ENOENT) {
			*e = why;
			goto out;
		}
	} else if (file_root_only(SERVERCONF_FILE, e) == -1 ||
	    serverconf_parse(text.data, text.len, SERVERCONF_FILE, ret,
	    e) == -1) {
		goto out;
	}
	given.keys = o->keys != NULL ? strdup(o->keys) : NULL;
	given.host_key = o->host_key != NULL ? strdup(o->host_key) : NULL;
	if ((o->keys != NULL && given.keys == NULL) ||
	    (o->host_key != NULL && given.host_key == NULL)) {
		err_set(e, ERR_MEM, "out of memory");
		serverconf_clear(&given);
		goto out;
	}
	if (given.keys != NULL) {
		free(ret->keys);
		ret->keys = given.keys;
	}
	if (given.host_key != NULL) {
		free(ret->host_key);
		ret->host_key = given.host_key;
	}
	if (o->port != 0)
		ret->port = o->port;
	rc = 0;
out:
	buf_clear(&text);
	return rc;
}

int
stage_sshd(const struct serverconf *c, bool *ret_dropbear, struct err *e)
{
	bool dropbear = bootprog_have("dropbear", NULL);
	bool openssh = bootprog_have("sshd", NULL);

	if (c->sshd != SERVERCONF_OPENSSH && dropbear)
		*ret_dropbear = true;
	else if (c->sshd != SERVERCONF_DROPBEAR && openssh)
		*ret_dropbear = false;
	else
		return err_set(e, ERR_CONFIG, "no sshd for the image: install "
		    "%s", c->sshd == SERVERCONF_OPENSSH ? "openssh-server" :
		    c->sshd == SERVERCONF_DROPBEAR ? "dropbear-bin" :
		    "dropbear-bin (or openssh-server)");
	return 0;
}

/* As sshd's StrictModes: who may write it decides who may log in. */
static int
key_file(const char *path, struct strv *notes, struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct stat st, dir;
	char at[4096];

	if (snprintf(at, sizeof(at), "%.*s", slash == path ? 1 :
	    (int)(slash - path), path) >= (int)sizeof(at))
		return err_set(e, ERR_CONFIG, "%s: too long", path);
	if (stat(path, &st) == -1)
		return err_sys(e, "%s", path);
	if (stat(at, &dir) == -1)
		return err_sys(e, "%s", at);
	if (((st.st_mode | dir.st_mode) & 022) != 0)
		return err_set(e, ERR_UNSAFE, "%s: others than its owner may "
		    "change it: chmod go-w %s", path, (st.st_mode & 022) != 0 ?
		    path : at);
	if (st.st_uid != 0 && st.st_uid != dir.st_uid)
		return err_set(e, ERR_UNSAFE, "%s: belongs to user %u, and "
		    "its folder to user %u: chown root %s", path,
		    (unsigned)st.st_uid, (unsigned)dir.st_uid, path);
	if ((st.st_uid != 0 || dir.st_uid != 0) &&
	    strv_addf(notes, "%s: user %u, whose it is, decides who may give "
	    "a passphrase", path, (unsigned)(st.st_uid != 0 ? st.st_uid :
	    dir.st_uid)) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

static int
add_file(const char *path, bool shell, bool dropbear, struct buf *out,
    struct strv *notes, size_t *ret_n, struct err *e)
{
	const struct serverkeys s = { path, shell, dropbear };
	struct buf text;
	int rc;

	buf_init(&text, TEXT_MAX);
	rc = file_read(path, &text, e);
	if (rc == 0)
		rc = serverkeys_add(&s, text.data, text.len, out, notes,
		    ret_n, e);
	buf_clear(&text);
	return rc;
}

int
stage_keys(const struct serverconf *c, bool dropbear, struct buf *out,
    struct strv *notes, size_t *ret_n, size_t *ret_shell, struct err *e)
{
	struct err why = ERR_INIT;
	size_t n = 0, shell = 0;

	if (key_file(c->keys, notes, e) == -1 || add_file(c->keys, false,
	    dropbear, out, notes, &n, e) == -1)
		return -1;
	if (n == 0)
		return err_set(e, ERR_CONFIG, "%s: no key in it may log in, so "
		    "nobody could; add one, or name another file "
		    "(authorized-keys in %s)", c->keys, SERVERCONF_FILE);
	/* Without them the machine can be unlocked all the same. */
	if (c->emergency != NULL &&
	    (file_root_only(c->emergency, &why) == -1 ||
	    add_file(c->emergency, true, dropbear, out, notes, &shell,
	    &why) == -1) &&
	    strv_addf(notes, "%s; nobody gets a shell by it", why.msg) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	*ret_n = n;
	*ret_shell = shell;
	return 0;
}

static int
put(const char *dir, const char *name, const struct buf *b, mode_t mode,
    struct err *e)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		return err_set(e, ERR_CONFIG, "%s: too long", dir);
	return file_write(path, b->data, b->len, mode, NULL, e);
}

static int
put_rest(const struct server_opts *o, const struct serverconf *c,
    bool dropbear, const struct hostkey *key, struct err *e)
{
	const char *dir = o->operand;
	struct buf b;
	int rc = -1;

	buf_init(&b, 8192);
	if (buf_addf(&b, "sshd=%s\nport=%u\nip='%s'\nkeep_network=%s\n",
	    dropbear ? "dropbear" : "openssh", (unsigned)c->port,
	    c->ip != NULL ? c->ip : "", c->keep_network ? "1" : "") == -1 ||
	    /* What was asked for besides boot.conf, for check. */
	    (o->keys != NULL && buf_addf(&b, STAGE_KEYS "'%s'\n",
	    o->keys) == -1) || (o->host_key != NULL && buf_addf(&b,
	    STAGE_HOST_KEY "'%s'\n", o->host_key) == -1))
		goto mem;
	if (put(dir, "conf", &b, 0644, e) == -1)
		goto out;
	buf_clear(&b);
	if (buf_addf(&b, "%s (%.*s)\n", key->fp, (int)strcspn(key->line, " "),
	    key->line) == -1)
		goto mem;
	if (put(dir, "fingerprint", &b, 0644, e) == -1)
		goto out;
	buf_clear(&b);
	if (buf_addf(&b, "Port %u\n%s", (unsigned)c->port, sshd_config) == -1)
		goto mem;
	rc = put(dir, "sshd_config", &b, 0600, e);
	goto out;
mem:
	err_set(e, ERR_MEM, "out of memory");
out:
	buf_clear(&b);
	return rc;
}

int
stage_run(const struct server_opts *o, struct err *e)
{
	struct serverconf c = { 0 };
	struct hostkey key = { 0 };
	struct strv notes = { 0 };
	size_t n, shell, i;
	char path[4096];
	struct buf b;
	bool dropbear;
	int rc = -1;

	buf_init(&b, TEXT_MAX);
	if (stage_conf(o, &c, e) == -1 || stage_sshd(&c, &dropbear, e) == -1 ||
	    stage_keys(&c, dropbear, &b, &notes, &n, &shell, e) == -1 ||
	    hostkey_get(c.host_key, true, &key, e) == -1)
		goto out;
	for (i = 0; i < notes.n; i++)
		log_warn("%s", notes.v[i]);
	if (snprintf(path, sizeof(path), "%s/host_key", o->operand) >=
	    (int)sizeof(path)) {
		err_set(e, ERR_CONFIG, "%s: too long", o->operand);
		goto out;
	}
	if (hostkey_copy(c.host_key, dropbear, path, e) == -1 ||
	    put(o->operand, "authorized_keys", &b, 0600, e) == -1 ||
	    put_rest(o, &c, dropbear, &key, e) == -1)
		goto out;
	log_info("%s on port %u, %zu key%s for passphrases, %zu for a shell",
	    dropbear ? "dropbear" : "OpenSSH", (unsigned)c.port, n,
	    n == 1 ? "" : "s", shell);
	log_info("boot host key %s%s", key.fp, key.made ? ", new" : "");
	rc = 0;
out:
	serverconf_clear(&c);
	hostkey_clear(&key);
	strv_clear(&notes);
	buf_clear(&b);
	return rc;
}
