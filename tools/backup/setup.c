/* SPDX-License-Identifier: ISC */
/*
 * setup: everything that the machine which is backed up needs, once: its key,
 * the store's host key, a first backup.conf; and the one line for the store.
 * Whatever is there already is kept.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup.h"
#include "base/buf.h"
#include "base/esc.h"
#include "base/strv.h"
#include "cmd.h"
#include "keys.h"
#include "pin_host.h"
#include "settings_keys.h"
#include "ssh/authkeys.h"
#include "ssh/host.h"
#include "sys/file.h"
#include "ui/conf.h"
#include "ui/emit.h"
#include "ui/log.h"

#define KEYGEN_MS 60000

struct setup {
	const struct backup_opts *o;
	const char *dest;
	char name[64];		/* of this machine, for the store */
	char *key;		/* the private key's path */
	char *known_hosts;
	char *conf;
	struct buf public;	/* "ssh-ed25519 AAAA…" */
};

/* The host name up to its first dot, with what a client's name may have. */
static int
find_name(struct setup *s, struct err *e)
{
	char host[256] = "";
	size_t i, n = 0;
	char c;

	if (s->o->client != NULL) {
		snprintf(s->name, sizeof(s->name), "%s", s->o->client);
		return 0;
	}
	if (gethostname(host, sizeof(host) - 1) == -1)
		return err_sys(e, "gethostname");
	for (i = 0; host[i] != '\0' && host[i] != '.' &&
	    n < sizeof(s->name) - 1; i++) {
		c = (char)tolower((unsigned char)host[i]);
		if (isalnum((unsigned char)c) || (n > 0 && c == '-'))
			s->name[n++] = c;
	}
	s->name[n] = '\0';
	if (settings_name(s->name, "the host name", e) == -1)
		return err_wrap(e, "give --client NAME");
	return 0;
}

/* The folder of path. Private: it has a key without a passphrase. */
static int
make_folder(const char *path, struct err *e)
{
	char *dir = strdup(path), *slash;
	int rc;

	if (dir == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	slash = strrchr(dir, '/');
	if (slash == NULL || slash == dir) {
		free(dir);
		return 0;
	}
	*slash = '\0';
	rc = file_mkdirs(dir, geteuid() == 0 ? 0755 : 0700, e);
	free(dir);
	return rc;
}

static int
keygen(const struct setup *s, struct err *e)
{
	char comment[96];
	char *argv[] = { "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
		comment, "-f", s->key, NULL };
	struct buf said, line;
	int status;

	snprintf(comment, sizeof(comment), "postern-backup-%s", s->name);
	buf_init(&said, CMD_OUT_MAX);
	if (cmd_run(argv, KEYGEN_MS, &said, &status, e) == -1) {
		buf_clear(&said);
		return -1;
	}
	if (status != 0) {
		buf_init(&line, ERR_MSG_MAX / 2);
		(void)esc_text(&line, said.data, strcspn(said.data, "\n"));
		err_set(e, ERR_SYS, "%s: ssh-keygen: %s", s->key, line.data);
		buf_clear(&line);
	}
	buf_clear(&said);
	return status == 0 ? 0 : -1;
}

/* Its public half, checked, as "TYPE BASE64". */
static int
read_public(struct setup *s, struct err *e)
{
	struct authkeys_line k;
	char *path = NULL;
	struct buf b;
	int rc = -1;

	buf_init(&b, AUTHKEYS_LINE_MAX);
	if (asprintf(&path, "%s.pub", s->key) == -1) {
		path = NULL;
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	if (file_read(path, &b, e) == -1)
		goto out;
	if (authkeys_public(b.data, b.len, &k, e) == -1) {
		err_wrap(e, "%s", path);
		goto out;
	}
	rc = buf_addf(&s->public, "%.*s %.*s", (int)k.type.len, k.type.p,
	    (int)k.key.len, k.key.p);
	if (rc == -1)
		err_set(e, ERR_MEM, "%s: too long", path);
out:
	buf_clear(&b);
	free(path);
	return rc;
}

static int
make_key(struct setup *s, struct err *e)
{
	struct stat st;

	if (lstat(s->key, &st) == 0) {
		log_info("kept: the key %s", s->key);
		return read_public(s, e);
	}
	if (errno != ENOENT)
		return err_sys(e, "%s", s->key);
	if (s->o->dry_run) {
		log_info("would make the key %s", s->key);
		return 0;
	}
	if (make_folder(s->key, e) == -1 || keygen(s, e) == -1)
		return -1;
	log_info("made: the key %s", s->key);
	return read_public(s, e);
}

static int
pin_store(const struct setup *s, struct err *e)
{
	const struct backup_opts *o = s->o;
	const struct sshargv_opts ssh = {
		.program = o->ssh,
		.config = o->ssh_config,
		.options = &o->ssh_options,
	};
	const struct pin_host p = {
		.dest = s->dest,
		.ssh = &ssh,
		.known_hosts = s->known_hosts,
		.fingerprint = o->fingerprint,
		.dry_run = o->dry_run,
	};

	if (!o->dry_run && make_folder(s->known_hosts, e) == -1)
		return -1;
	return pin_host(&p, e);
}

/* A first backup.conf: everything for root, the home for anyone else. */
static int
conf_text(const struct setup *s, struct buf *b, struct err *e)
{
	const struct backup_opts *o = s->o;
	const char *home = getenv("HOME");
	size_t i;
	int rc;

	rc = buf_adds(b, "# backup.conf(5)\n\n");
	if (geteuid() == 0) {
		rc |= buf_addf(b, "[job system]\ndestination = %s\nroot = /\n"
		    "exclude = /tmp\nexclude = /var/tmp\n"
		    "exclude = /var/cache\none-file-system = yes\n", s->dest);
	} else {
		if (home == NULL || home[0] != '/')
			return err_set(e, ERR_CONFIG, "HOME is not set to an "
			    "absolute path");
		rc |= buf_addf(b, "[job home]\ndestination = %s\nroot = %s\n"
		    "exclude = %s/.cache\n", s->dest, home, home);
	}
	if (o->key != NULL)
		rc |= buf_addf(b, "key = %s\n", s->key);
	if (o->ssh != NULL)
		rc |= buf_addf(b, "ssh = %s\n", o->ssh);
	if (o->ssh_config != NULL)
		rc |= buf_addf(b, "ssh-config = %s\n", o->ssh_config);
	for (i = 0; i < o->ssh_options.n; i++)
		rc |= buf_addf(b, "ssh-option = %s\n", o->ssh_options.v[i]);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

static int
write_conf(const struct setup *s, struct err *e)
{
	struct settings check = { 0 };
	struct buf b;
	size_t i;
	int rc = -1;

	buf_init(&b, 65536);
	if (access(s->conf, F_OK) == 0) {
		log_info("kept: %s", s->conf);
		for (i = 0; i < s->o->conf.njobs; i++)
			if (s->o->conf.jobs[i].destination != NULL &&
			    strcmp(s->o->conf.jobs[i].destination,
			    s->dest) == 0)
				break;
		if (i == s->o->conf.njobs)
			log_warn("%s: no job in it has the destination %s",
			    s->conf, s->dest);
		rc = 0;
		goto out;
	}
	if (conf_text(s, &b, e) == -1)
		goto out;
	/* What a person will be told by the next command. */
	if (settings_parse(&check, b.data, b.len, s->conf, e) == -1)
		goto out;
	if (s->o->dry_run) {
		log_info("would write %s", s->conf);
		rc = 0;
		goto out;
	}
	if (make_folder(s->conf, e) == -1 || file_write(s->conf, b.data,
	    b.len, 0644, NULL, e) == -1)
		goto out;
	log_info("made: %s; 'postern backup usage' says what to leave out",
	    s->conf);
	rc = 0;
out:
	settings_clear(&check);
	buf_clear(&b);
	return rc;
}

/* Alone on standard output, to be copied. */
static int
print_line(const struct setup *s, struct err *e)
{
	struct emit j;
	struct buf b;
	int rc;

	buf_init(&b, AUTHKEYS_LINE_MAX);
	if (buf_addf(&b, "postern backup accept --client %s --key '%s'",
	    s->name, s->public.data) == -1) {
		buf_clear(&b);
		return err_set(e, ERR_MEM, "out of memory");
	}
	if (s->o->json) {
		emit_begin(&j);
		emit_str(&j, "client", s->name);
		emit_str(&j, "destination", s->dest);
		emit_str(&j, "key", s->public.data);
		emit_str(&j, "run-on-store", b.data);
		rc = emit_end(&j, stdout);
	} else {
		log_info("on the store, as the user who keeps the backups, "
		    "run:");
		rc = printf("%s\n", b.data) > 0 && fflush(stdout) == 0 ? 0 :
		    -1;
	}
	buf_clear(&b);
	return rc == 0 ? 0 : err_sys(e, "standard output");
}

/* Where everything is: --key and --config, or the places of keys.h. */
static int
find_paths(struct setup *s, struct err *e)
{
	const struct backup_opts *o = s->o;
	struct buf conf;

	buf_init(&conf, 4096);
	/* It goes into backup.conf, which is read wherever one is. */
	if (o->ssh_config != NULL && o->ssh_config[0] != '/')
		return err_set(e, ERR_USAGE, "--ssh-config: not an absolute "
		    "path");
	if (o->ssh != NULL && settings_program(o->ssh, "--ssh", e) == -1)
		return -1;
	s->known_hosts = keys_path(KEYS_KNOWN_HOSTS, e);
	if (s->known_hosts == NULL)
		return -1;
	if (o->key == NULL)
		s->key = keys_path(KEYS_PRIVATE, e);
	else if (o->key[0] != '/')
		return err_set(e, ERR_USAGE, "--key: not an absolute path");
	else if ((s->key = strdup(o->key)) == NULL)
		err_set(e, ERR_MEM, "out of memory");
	if (s->key == NULL || conf_find("backup", o->config, &conf, e) == -1)
		return -1;
	s->conf = conf.len > 0 ? buf_steal(&conf) :
	    keys_path(KEYS_CONF, e);
	buf_clear(&conf);
	return s->conf != NULL ? 0 : -1;
}

int
backup_setup(struct backup_opts *o, struct err *e)
{
	struct setup s = { .o = o, .dest = o->args.v[0] };
	int rc = -1;

	buf_init(&s.public, AUTHKEYS_LINE_MAX);
	if (host_check(s.dest, e) == -1 || find_name(&s, e) == -1 ||
	    find_paths(&s, e) == -1 || make_key(&s, e) == -1 ||
	    pin_store(&s, e) == -1 || write_conf(&s, e) == -1)
		goto out;
	rc = s.public.len > 0 ? print_line(&s, e) : 0;
out:
	free(s.key);
	free(s.known_hosts);
	free(s.conf);
	buf_clear(&s.public);
	return rc;
}
