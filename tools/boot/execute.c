/* SPDX-License-Identifier: ISC */
#include "execute.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proc/spawn.h"
#include "sys/clock.h"

#define END_MS		5000u	/* for the kernel; none waits for a dead disk */
#define LOOK_MS		10

/* Nothing of the session's environment is the program's. */
static char *const environ_of_child[] = {
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL
};

/* The end of pid, in time; it is ended otherwise, and may put right then what
 * it has half done with the disk. */
static int
finish(pid_t pid, const char *what, uint64_t timeout_ms, int *ret_status,
    struct err *e)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	static const int how[] = { SIGTERM, SIGKILL };
	uint64_t end = clock_ms() + timeout_ms;
	size_t ended = 0;
	pid_t got;

	while ((got = waitpid(pid, ret_status, WNOHANG)) != pid) {
		if (got == -1 && errno != EINTR)
			return err_sys(e, "%s", what);
		if (clock_ms() >= end) {
			if (ended == sizeof(how) / sizeof(how[0]))
				break;
			kill(pid, how[ended++]);
			end += END_MS;
		}
		nanosleep(&pause, NULL);
	}
	return ended == 0 ? 0 : err_set(e, ERR_TIMEOUT, "%s: no end in time",
	    what);
}

/* Out of reach of a terminal's keys: what was begun with a disk has to end. */
int
execute_run(const char *path, char *const *argv, const struct lockmem *input,
    uint64_t timeout_ms, int *ret_status, struct err *e)
{
	struct spawn s = { .path = path, .argv = argv, .own_group = true,
	    .envp = environ_of_child, .fd = { -1, -1, -1 } };
	int in = -1, rc = -1;
	sigset_t reset;
	pid_t pid;

	sigemptyset(&reset);
	sigaddset(&reset, SIGPIPE);
	s.reset = &reset;
	if (input != NULL && spawn_pipe(true, &in, &s.fd[0], e) == -1)
		return -1;
	/* A pipe holds all of it: no need to wait for the reader. */
	if (input != NULL && write(in, input->data, input->len) !=
	    (ssize_t)input->len) {
		err_sys(e, "pipe to %s", path);
		goto out;
	}
	if (in != -1)
		close(in);
	in = -1;
	rc = spawn_run(&s, &pid, e);
	if (rc == 0)
		rc = finish(pid, path, timeout_ms, ret_status, e);
out:
	if (in != -1)
		close(in);
	if (s.fd[0] != -1)
		close(s.fd[0]);
	return rc;
}
