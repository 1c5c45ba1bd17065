/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "setup_both.h"
#include "ui/log.h"

/* One that an earlier set-up made, or the original's: nobody else's. */
static bool
is_ours(const struct passwd *pw, bool original)
{
	return original || strcmp(pw->pw_gecos, SETUP_GECOS) == 0;
}

/* For `sh -c` it reads no file; bash reads ~/.bashrc under sshd, zsh its
 * own. */
bool
setup_reads_nothing(const char *shell)
{
	static const char *const plain[] = { "", "/bin/sh", "/usr/bin/sh",
		"/bin/dash", "/usr/bin/dash" };
	size_t i;

	for (i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (strcmp(shell, plain[i]) == 0)
			return true;
	return false;
}

/* 1: root's alone, or not there yet; 0: not. */
static int
is_roots(const char *home, struct err *e)
{
	struct stat st;

	if (lstat(home, &st) == -1)
		return errno == ENOENT ? 1 : err_sys(e, "%s", home);
	if (S_ISLNK(st.st_mode))
		return err_set(e, ERR_UNSAFE, "%s, a home, is a link", home);
	return st.st_uid == 0 && (st.st_mode & 022) == 0;
}

int
setup_home_look(struct setup *s, bool original, struct err *e)
{
	const struct passwd *pw = getpwnam(s->user.data);
	int roots;

	if (pw == NULL || is_ours(pw, original))
		return 0;
	if (!setup_reads_nothing(pw->pw_shell))
		return err_set(e, ERR_CONFIG, "the shell of %s is %s, which "
		    "may read files of its own for each session: 'usermod -s "
		    "/bin/sh %s', or give another user by --here",
		    s->user.data, pw->pw_shell, s->user.data);
	roots = is_roots(s->home.data, e);
	if (roots != 0)
		return roots == -1 ? -1 : 0;
	return err_set(e, ERR_UNSAFE, "%s is not root's: on a gateway the git "
	    "user may write nowhere but where keys and sessions are. If "
	    "nobody needs what is there, 'chown root: %s && chmod 755 %s'; or "
	    "give another user by --here", s->home.data, s->home.data,
	    s->home.data);
}

/* What was put aside is root's alone, also when the run that did it was ended
 * before that. */
static int
shut(struct setup *s, const char *aside, struct err *e)
{
	struct stat st;
	int fd, rc = 0;

	fd = open(aside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
		    0 : err_sys(e, "%s", aside);
	if (fstat(fd, &st) == -1) {
		rc = err_sys(e, "%s", aside);
	} else if (st.st_uid != 0 || (st.st_mode & 077) != 0) {
		if (!s->o->dry_run && (fchown(fd, 0, 0) == -1 ||
		    fchmod(fd, 0700) == -1))
			rc = err_sys(e, "%s", aside);
		else
			step_say(&s->step, true, "%s, what %s had in %s, is "
			    "root's", aside, s->user.data, s->home.data);
	}
	close(fd);
	return rc;
}

/* What lies in it is out of reach from then on, and nothing of it is lost. */
static int
put_aside(struct setup *s, const char *to, struct err *e)
{
	struct stat st;

	if (lstat(to, &st) == 0)
		return err_set(e, ERR_UNSAFE, "%s is not root's, and %s is "
		    "there already: move one of them away", s->home.data, to);
	return rename(s->home.data, to) == -1 ? err_sys(e, "%s: putting it "
	    "aside", s->home.data) : 0;
}

static int
shell(struct setup *s, const struct passwd *pw, struct err *e)
{
	const char *argv[] = { "usermod", "-s", "/bin/sh", s->user.data,
		NULL };

	if (setup_reads_nothing(pw->pw_shell))
		return 0;
	if (!s->o->dry_run && step_run(argv, NULL, e) == -1)
		return -1;
	step_say(&s->step, true, "the shell of %s: /bin/sh", s->user.data);
	return 0;
}

int
setup_home(struct setup *s, struct err *e)
{
	const struct passwd *pw = getpwnam(s->user.data);
	char aside[4200];
	int roots, n;

	if (pw == NULL)			/* in a dry run */
		return 0;
	n = snprintf(aside, sizeof(aside), "%s" SETUP_ASIDE, s->home.data);
	if (n < 0 || (size_t)n >= sizeof(aside))
		return err_set(e, ERR_CONFIG, "%s: too long", s->home.data);
	roots = is_roots(s->home.data, e);
	if (roots == -1 || shell(s, pw, e) == -1)
		return -1;
	if (roots == 0 && !s->o->dry_run && put_aside(s, aside, e) == -1)
		return -1;
	if (shut(s, aside, e) == -1)
		return -1;
	if (roots == 0) {
		step_say(&s->step, true, "%s, a home that is root's",
		    s->home.data);
		if (s->o->dry_run)
			return 0;
	}
	return access(s->home.data, F_OK) == 0 ? 0 : step_folder(&s->step,
	    s->home.data, 0755, 0, 0, e);
}
