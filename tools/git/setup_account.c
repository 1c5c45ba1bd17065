/* SPDX-License-Identifier: ISC */
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "setup_both.h"

/* As sshd takes AuthorizedKeysFile: %h, %u, %U and %%. */
static int
expand(const struct setup *s, const char *p, size_t n, struct buf *out)
{
	int rc = 0;

	for (; rc == 0 && n > 0; p++, n--) {
		if (*p != '%' || n == 1) {
			rc = buf_addc(out, *p);
			continue;
		}
		p++;
		n--;
		rc = *p == 'h' ? buf_adds(out, s->home.data) :
		    *p == 'u' ? buf_adds(out, s->user.data) :
		    *p == 'U' ? buf_addf(out, "%u", (unsigned)s->uid) :
		    buf_addc(out, *p);
	}
	return rc;
}

/* file: as it is expanded; below the home if it is not absolute. */
static int
look(const struct setup *s, const char *file, struct err *e)
{
	char path[8192];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s%s%s", *file != '/' ?
	    s->home.data : "", *file != '/' ? "/" : "", file);

	if (n < 0 || (size_t)n >= sizeof(path) || stat(path, &st) == -1 ||
	    st.st_size == 0)
		return 0;
	return err_set(e, ERR_UNSAFE, "%s has keys that let in as %s, and "
	    "sshd would read them no longer: put those that shall stay into "
	    SETUP_KEYS " and move that file away; or give another user by "
	    "--here", path, s->user.data);
}

/* No file by which sshd lets in as the user now has anything in it. */
static int
no_keys(struct setup *s, const char *ours, struct err *e)
{
	const char *p, *end;
	struct buf files, path;
	int rc;

	buf_init(&files, 8192);
	buf_init(&path, 8192);
	rc = setup_sshd_says(s, "authorizedkeysfile", &files, e);
	for (p = files.data; rc == 0 && *p != '\0'; p = end + (*end == ' ')) {
		end = strchrnul(p, ' ');
		buf_clear(&path);
		if (expand(s, p, (size_t)(end - p), &path) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
		else if (strncmp(path.data, ours, strlen(ours)) != 0 &&
		    strcmp(path.data, SETUP_KEYS) != 0)
			rc = look(s, path.data, e);
	}
	buf_clear(&files);
	buf_clear(&path);
	return rc;
}

static bool
runs_commands(const char *shell)
{
	static const char *const others[] = { "nologin", "false", "true",
		"git-shell", NULL };
	const char *base = strrchr(shell, '/');
	size_t i;

	base = base != NULL ? base + 1 : shell;
	for (i = 0; others[i] != NULL; i++)
		if (strcmp(base, others[i]) == 0)
			return false;
	return *shell == '\0' || access(shell, X_OK) == 0;
}

int
setup_account(struct setup *s, const char *ours, struct err *e)
{
	const char *unlock[] = { "usermod", "-p", "*", s->user.data, NULL };
	const struct passwd *pw = getpwnam(s->user.data);
	const struct spwd *sp;

	if (pw == NULL)
		return 0;
	if (pw->pw_uid == 0)
		return err_set(e, ERR_UNSAFE, "%s is root: its logins would be "
		    "held to git; give another user by --here", s->user.data);
	if (!runs_commands(pw->pw_shell))
		return err_set(e, ERR_CONFIG, "the shell of %s is %s, which "
		    "runs no forced command: 'usermod -s /bin/sh %s', or give "
		    "another user by --here", s->user.data, pw->pw_shell,
		    s->user.data);
	if (ours != NULL && no_keys(s, ours, e) == -1)
		return -1;
	sp = getspnam(s->user.data);
	if (sp == NULL || sp->sp_pwdp == NULL || sp->sp_pwdp[0] != '!')
		return 0;
	if (!s->o->dry_run && step_run(unlock, NULL, e) == -1)
		return -1;
	step_say(&s->step, true, "user %s may log in by key", s->user.data);
	return 0;
}
