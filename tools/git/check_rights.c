/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
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

/* What lies in the home: .ssh, .bashrc and their like. */
static bool
in_home(const char *home, struct found *f)
{
	DIR *dir = opendir(home);
	struct dirent *d;
	char path[PATH_MAX];
	bool yes = false;
	int n;

	while (dir != NULL && !yes && (d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0)
			continue;
		n = snprintf(path, sizeof(path), "%s/%s", home, d->d_name);
		yes = n > 0 && (size_t)n < sizeof(path) && may_change(path) &&
		    found(f, path);
	}
	if (dir != NULL)
		closedir(dir);
	return yes;
}

static int
look(void *arg, void *ret, struct err *e)
{
	const struct job *j = arg;
	const struct gitconf_gateway *g = j->conf;
	const char *const paths[] = { g->key, g->known_hosts,
		g->allowed_signers, g->base, GITCONF_PATH, j->program,
		j->home };
	char above[PATH_MAX];
	struct found *f = ret;
	size_t i;

	(void)e;
	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		/* The key is its own where setup_lend() has no other way. */
		if (!(paths[i] == g->key && setup_lent(g->key, getuid())) &&
		    way(paths[i], f))
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
	if (rc == 0 && !setup_reads_nothing(c->user.pw_shell))
		rc = err_set(e, ERR_UNSAFE, "the shell of %s is %s, which may "
		    "read files of its own for each session", c->user.pw_name,
		    c->user.pw_shell);
out:
	buf_clear(&program);
	return rc;
}
