/* SPDX-License-Identifier: ISC */
#include "adminnote.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "gitadmins.h"
#include "setup_plain.h"
#include "ui/log.h"

static void
tell(const struct err *e)
{
	log_warn("who may write to gitolite-admin is denied to the gateway as "
	    "of before: %s", e->msg);
	syslog(LOG_ERR, "push-keys: who may write to gitolite-admin: %s",
	    e->msg);
}

pid_t
adminnote_start(const struct gitconf_server *c, uint64_t ms, bool always)
{
	const struct passwd *pw = getpwuid(geteuid());
	struct err e = ERR_INIT;
	pid_t pid;

	if (c->deny_admins == 0 || pw == NULL || setup_plain(c, pw->pw_dir) ||
	    (!always && !gitadmins_late(c, pw->pw_dir)))
		return -1;
	(void)fflush(NULL);
	pid = fork();
	if (pid == -1) {
		err_sys(&e, "fork");
		tell(&e);
	}
	if (pid != 0)
		return pid;
	if (setenv("HOME", pw->pw_dir, 1) == 0 && gitadmins_note(c,
	    pw->pw_dir, ms < GITADMINS_MS ? ms : GITADMINS_MS, &e) == 0)
		_exit(0);
	tell(&e);
	_exit(1);
}

void
adminnote_wait(pid_t pid)
{
	if (pid == -1)
		return;
	/* ECHILD: a loop of the push's has had its end. */
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		continue;
}
