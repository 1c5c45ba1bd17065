/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fts.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asuser.h"
#include "check_priv.h"
#include "gitprog.h"
#include "setup_both.h"

#define SHOWN	1024

/* What the user may change of what it is not to; "": nothing. */
struct found {
	char path[SHOWN];
	bool no_key;		/* or what it has to read, and can't */
};

struct job {
	const struct gitconf_gateway *conf;
	const char *home, *program;
};

static bool
found(struct found *f, const char *path)
{
	snprintf(f->path, sizeof(f->path), "%.*s", SHOWN - 1, path);
	return true;
}

/* Also by chmod, which is the owner's: as the user itself. */
static bool
may_change(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return false;
	return st.st_uid == getuid() || (!S_ISLNK(st.st_mode) &&
	    access(path, W_OK) == 0);
}

/* path, or a folder above it. */
static bool
way(const char *path, struct found *f)
{
	char at[PATH_MAX];

	snprintf(at, sizeof(at), "%s", path);
	for (;; dirname(at)) {
		if (may_change(at))
			return found(f, at);
		if (strcmp(at, "/") == 0)
			return false;
	}
}

/* What lies in the home: .bashrc, .ssh/rc and their like. What the user can't
 * look into nothing of its sessions is read from. */
static bool
in_home(const char *home, struct found *f)
{
	char *const roots[] = { (char *)(uintptr_t)home, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *at;
	bool yes = false;

	while (fts != NULL && !yes && (at = fts_read(fts)) != NULL)
		yes = at->fts_info != FTS_DP && may_change(at->fts_path) &&
		    found(f, at->fts_path);
	if (fts != NULL)
		fts_close(fts);
	return yes;
}

/* The key is its own where setup_lend() has no other way; not the folders
 * above it. */
static bool
key(const char *path, struct found *f)
{
	char above[PATH_MAX];

	f->no_key = access(path, R_OK) == -1;
	if (!setup_lent(path, getuid()))
		return way(path, f) || f->no_key;
	snprintf(above, sizeof(above), "%s", path);
	return way(dirname(above), f);
}

static int
look(void *arg, void *ret, struct err *e)
{
	const struct job *j = arg;
	const struct gitconf_gateway *g = j->conf;
	const char *const paths[] = { g->known_hosts, g->allowed_signers,
		g->base, GITCONF_PATH, j->program, j->home };
	char above[PATH_MAX];
	struct found *f = ret;
	size_t i;

	(void)e;
	if (key(g->key, f))
		return 0;
	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (way(paths[i], f))
			return 0;
	/* The folder of keys is the user's, and in it nothing matters that
	 * no push made; what is beside it is not. */
	snprintf(above, sizeof(above), "%s", g->keys_dir);
	(void)(way(dirname(above), f) || in_home(j->home, f));
	return 0;
}

int
check_rights(struct check *c, struct err *e)
{
	struct job j = { .conf = &c->conf->gateway, .home = c->user.pw_dir };
	struct found f = { "" };
	struct buf program;
	int rc = -1;

	buf_init(&program, PATH_MAX);
	if (gitprog_path("postern-git-proxy", &program, e) == -1)
		goto out;
	j.program = program.data;
	rc = asuser_run(&c->user, look, &j, &f, sizeof(f), e);
	if (rc == 0 && f.path[0] != '\0')
		rc = err_set(e, ERR_UNSAFE, "%s may change %s",
		    c->user.pw_name, f.path);
	else if (rc == 0 && f.no_key)
		rc = err_set(e, ERR_CONFIG, "%s can't read %s: the access "
		    "control list that lends it is gone, or chmod took its "
		    "effect away", c->user.pw_name, j.conf->key);
	if (rc == 0 && !setup_reads_nothing(c->user.pw_shell))
		rc = err_set(e, ERR_UNSAFE, "the shell of %s is %s, which may "
		    "read files of its own for each session", c->user.pw_name,
		    c->user.pw_shell);
out:
	buf_clear(&program);
	return rc;
}
