/* SPDX-License-Identifier: ISC */
/*
 * accept: one machine's key into authorized_keys, with a forced command, and
 * the folders that its backups need. The folders come first: a key that is
 * let in finds everything in place.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allow.h"
#include "backup.h"
#include "base/esc.h"
#include "clientdir.h"
#include "program.h"
#include "ssh/authkeys.h"
#include "store.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "ui/emit.h"
#include "ui/log.h"

#define COMMENT "postern-backup-"
#define LOCK_MS 10000

struct accept {
	const struct backup_opts *o;
	unsigned allow;
	int64_t quota;			/* bytes; 0: none */
	char comment[80];
	char *file;		/* authorized_keys */
	struct buf key;		/* as given */
	struct buf line;	/* the new line */
	struct buf old, new;	/* the file's text */
	int lock;
};

/* What --key says: a key itself, "-" or a file. */
static int
read_key(const char *key, struct buf *out, struct err *e)
{
	char chunk[4096];
	ssize_t n;

	if (strchr(key, ' ') != NULL && (strncmp(key, "ssh-", 4) == 0 ||
	    strncmp(key, "ecdsa-", 6) == 0 || strncmp(key, "sk-", 3) == 0))
		return buf_adds(out, key) == 0 ? 0 : err_set(e, ERR_USAGE,
		    "--key: too long for a public key");
	if (strcmp(key, "-") != 0)
		return file_read(key, out, e);
	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "standard input");
		if (buf_add(out, chunk, (size_t)n) == -1)
			return err_set(e, ERR_USAGE, "standard input: too "
			    "long for a public key");
	}
	return 0;
}

/* Root becomes user for good: whatever lies in that home, it is opened with
 * that user's rights. */
static int
become(const char *user, struct err *e)
{
	struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL)
		return err_set(e, ERR_USAGE, "--user: there is no user '%s'",
		    user);
	if (pw->pw_uid == geteuid())
		return 0;
	if (geteuid() != 0)
		return err_set(e, ERR_USAGE, "--user: only root can do this "
		    "for another user");
	if (initgroups(pw->pw_name, pw->pw_gid) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1)
		return err_sys(e, "becoming user %s", user);
	return 0;
}

/* Where sshd looks: the home of the user database, not of $HOME. */
static int
find_file(struct accept *a, struct err *e)
{
	const struct passwd *pw = getpwuid(geteuid());

	if (pw == NULL || pw->pw_dir[0] != '/')
		return err_set(e, ERR_CONFIG, "this user has no home");
	if (asprintf(&a->file, "%s/.ssh/authorized_keys", pw->pw_dir) == -1) {
		a->file = NULL;
		return err_set(e, ERR_MEM, "out of memory");
	}
	return 0;
}

/* A word for the shell that sshd starts. As esc_sh(), but without the backslash
 * that it sets before a quote: none may stand in a forced command. */
static int
add_word(struct buf *out, const char *word, struct err *e)
{
	int rc;

	if (strchr(word, '\\') != NULL)
		return err_set(e, ERR_CONFIG, "%s: a path with a backslash "
		    "can't stand in authorized_keys", word);
	if (strchr(word, '\'') == NULL) {
		rc = esc_sh(out, word);
	} else {
		rc = buf_addc(out, '\'');
		for (; *word != '\0'; word++)
			rc |= *word == '\'' ? buf_adds(out, "'\"'\"'") :
			    buf_addc(out, *word);
		rc |= buf_addc(out, '\'');
	}
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "a path is too long");
}

static int
make_command(const struct accept *a, struct buf *out, struct err *e)
{
	const struct backup_opts *o = a->o;
	char *config = NULL;
	int rc;

	if (program_find(out, e) == -1)
		return -1;
	rc = buf_addf(out, " backup receive --client %s --allow ", o->client);
	if (allow_emit(a->allow, out, e) == -1)
		return -1;
	/* What the configuration says is read anew each time; but root's may
	 * be another than the one that this user reads. */
	if (o->user != NULL || o->conf.store.dir == NULL ||
	    strcmp(o->conf.store.dir, o->store) != 0) {
		rc |= buf_adds(out, " --store ");
		if (add_word(out, o->store, e) == -1)
			return -1;
	}
	if (o->config != NULL) {
		config = realpath(o->config, NULL);
		if (config == NULL)
			return err_sys(e, "%s", o->config);
		rc |= buf_adds(out, " --config ");
		if (add_word(out, config, e) == -1) {
			free(config);
			return -1;
		}
		free(config);
	}
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "a path is too long");
}

static int
make_line(struct accept *a, struct authkeys_line *k, struct err *e)
{
	struct buf command, options;
	int rc = -1;

	buf_init(&command, 8192);
	buf_init(&options, AUTHKEYS_LINE_MAX);
	if (authkeys_public(a->key.data, a->key.len, k, e) == -1) {
		err_wrap(e, "--key");
		goto out;
	}
	if (make_command(a, &command, e) == -1 ||
	    authkeys_command(command.data, &options, e) == -1 ||
	    authkeys_emit(options.data, k, a->comment, &a->line, e) == -1)
		goto out;
	rc = 0;
out:
	buf_clear(&command);
	buf_clear(&options);
	return rc;
}

/* sshd takes the first line that has the key: with another one in the file,
 * ours would not be what confines it. */
static int
check_others(const struct accept *a, const struct authkeys_line *k,
    struct err *e)
{
	struct authkeys_line other;
	struct buf rest, name;
	size_t n;
	int rc = -1;

	buf_init(&rest, AUTHKEYS_FILE_MAX);
	buf_init(&name, ERR_MSG_MAX);
	if (authkeys_put(a->old.data, a->old.len, a->comment, NULL, &rest, &n,
	    e) == -1)
		goto out;
	if (!authkeys_find(rest.data, rest.len, k, &other)) {
		rc = 0;
		goto out;
	}
	n = strlen(COMMENT);
	if (other.comment.len > n &&
	    memcmp(other.comment.p, COMMENT, n) == 0) {
		(void)esc_text(&name, other.comment.p + n,
		    other.comment.len - n);
		err_set(e, ERR_REFUSED, "client %s has this key already: each "
		    "machine needs its own", name.data);
	} else {
		err_set(e, ERR_REFUSED, "%s: has this key already, for "
		    "something else; take that line away, or use another key",
		    a->file);
	}
out:
	buf_clear(&rest);
	buf_clear(&name);
	return rc;
}

/* All that a run of this client expects to be there. */
static int
make_client(const struct backup_opts *o, struct err *e)
{
	struct store_client c;
	struct store s;
	int rc;

	if (store_make(o->store, e) == -1 || store_open(o->store, &s, e) == -1)
		return -1;
	rc = store_client_make(&s, o->client, e);
	/* One that was there: its owner, mode and list. */
	if (rc == 0)
		rc = store_client_open(&s, o->client, &c, e);
	if (rc == 0)
		store_client_close(&c);
	store_close(&s);
	return rc;
}

static int
take_lock(struct accept *a, struct err *e)
{
	char *path = NULL;
	int rc;

	if (clientdir_make(a->o->store, ".postern", "", e) == -1)
		return -1;
	if (asprintf(&path, "%s/.postern/accept.lock", a->o->store) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	rc = lock_take(path, LOCK_MS, &a->lock, e);
	free(path);
	return rc;
}

static int
save(struct accept *a, struct err *e)
{
	char *slash = strrchr(a->file, '/');
	int rc;

	*slash = '\0';
	rc = file_mkdirs(a->file, 0700, e);
	*slash = '/';
	return rc == 0 ? authkeys_save(a->file, &a->new, e) : -1;
}

static int
say(const struct accept *a, size_t found)
{
	const struct backup_opts *o = a->o;
	struct emit j;

	if (o->json) {
		emit_begin(&j);
		emit_str(&j, "client", o->client);
		emit_str(&j, "file", a->file);
		emit_str(&j, "line", a->line.len > 0 ? a->line.data : NULL);
		emit_bool(&j, "replaced", found > 0);
		emit_bool(&j, "dry-run", o->dry_run);
		return emit_end(&j, stdout) == 0 ? 0 : 1;
	}
	if (o->dry_run && !o->remove)
		return printf("%s\n", a->line.data) > 0 &&
		    fflush(stdout) == 0 ? 0 : 1;
	if (o->remove)
		log_info("%s: %s; what is in %s/%s stays", o->client,
		    o->dry_run ? "its key would be removed" :
		    "its key is removed", o->store, o->client);
	else
		log_info("%s: accepted; its key is %s %s", o->client,
		    found > 0 ? "replaced in" : "added to", a->file);
	if (!o->remove && found == 0)
		log_info("so that sshd ends what a cut link leaves here: "
		    "ClientAliveInterval 15 (sshd_config(5), and CAVEATS in "
		    "postern-backup(1))");
	return 0;
}

static int
accept_key(struct accept *a, struct err *e)
{
	const struct backup_opts *o = a->o;
	struct authkeys_line k;
	size_t found = 0;

	if (clientdir_check(o->store, e) == -1)
		return -1;
	if (!o->dry_run && take_lock(a, e) == -1)
		return -1;
	if (!o->remove && (clientdir_inherit(o, &a->allow, &a->quota,
	    e) == -1 || make_line(a, &k, e) == -1))
		return -1;
	if (authkeys_load(a->file, &a->old, e) == -1 ||
	    (!o->remove && check_others(a, &k, e) == -1) ||
	    authkeys_put(a->old.data, a->old.len, a->comment,
	    o->remove ? NULL : a->line.data, &a->new, &found, e) == -1)
		return -1;
	if (o->remove && found == 0)
		return err_set(e, ERR_CONFIG, "%s: has no key of client %s",
		    a->file, o->client);
	if (o->dry_run)
		return say(a, found);
	/* Before the key: it is never in force without them. */
	if (!o->remove && (make_client(o, e) == -1 ||
	    clientdir_conf(o, a->allow, a->quota, e) == -1))
		return -1;
	if (save(a, e) == -1)
		return -1;
	return say(a, found);
}

int
backup_accept(struct backup_opts *o, struct err *e)
{
	struct accept a = { .o = o, .lock = -1 };
	int rc = -1;

	buf_init(&a.key, AUTHKEYS_LINE_MAX);
	buf_init(&a.line, AUTHKEYS_LINE_MAX);
	buf_init(&a.old, AUTHKEYS_FILE_MAX);
	buf_init(&a.new, AUTHKEYS_FILE_MAX);
	snprintf(a.comment, sizeof(a.comment), COMMENT "%s", o->client);
	if ((o->key != NULL && read_key(o->key, &a.key, e) == -1) ||
	    (o->user != NULL && become(o->user, e) == -1) ||
	    find_file(&a, e) == -1)
		goto out;
	rc = accept_key(&a, e);
out:
	if (a.lock != -1)
		close(a.lock);
	free(a.file);
	buf_clear(&a.key);
	buf_clear(&a.line);
	buf_clear(&a.old);
	buf_clear(&a.new);
	return rc;
}
