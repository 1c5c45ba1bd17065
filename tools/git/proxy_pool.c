/* SPDX-License-Identifier: ISC */
#include "proxy.h"

#include <fcntl.h>
#include <signal.h>
#include "sys/file.h"
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "gitprog.h"
#include "gitrun.h"
#include "proc/spawn.h"

/* Whether someone is the pool; its lock file says too when it was last
 * wanted, so that one that was started on demand knows when to end. */
static bool
there(int dir)
{
	bool held;
	int fd;

	fd = openat(dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1)
		return true;
	held = flock(fd, LOCK_SH | LOCK_NB) == -1;
	(void)futimens(fd, NULL);
	close(fd);
	return held;
}

/* A session of its own: what ends ours does not end it. */
static int
detach(void *arg)
{
	return setsid() == -1 ? -1 : 0;
}

static int
start(struct err *e)
{
	char *argv[] = { NULL, "mux", "--demand", NULL };
	static char *const env[] = { "PATH=/usr/bin:/bin", "LANG=C.UTF-8",
		NULL };
	struct spawn s = { .argv = argv, .envp = env, .fd = { -1, -1, -1 },
		.keep_on_death = true, .before_exec = detach };
	struct buf path;
	sigset_t reset;
	pid_t pid;
	int rc = -1;

	sigemptyset(&reset);
	sigaddset(&reset, SIGPIPE);
	s.reset = &reset;
	buf_init(&path, 4096);
	if (gitprog_path("postern-git", &path, e) == 0) {
		s.path = argv[0] = path.data;
		rc = spawn_run(&s, &pid, e);
	}
	buf_clear(&path);
	return rc;
}

void
proxy_pool(const struct gitconf_gateway *c)
{
	struct err e = ERR_INIT;
	int dir = -1;

	if (c->mux == 0 || c->mux_demand == 0)
		return;
	if (gitrun_open(c->run_dir, "mux", &dir, &e) == -1 ||
	    (!there(dir) && start(&e) == -1))
		syslog(LOG_ERR, "the pool of masters: %s", e.msg);
	if (dir != -1)
		close(dir);
}
