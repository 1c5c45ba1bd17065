/* SPDX-License-Identifier: ISC */
#include "secret/orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS	64	/* what goes on forking is left to its owner */
#define TEXT	4096
#define OTHERS_MS	500	/* Ctrl-C ended it as well, perhaps */

/* Our children, as many as v takes. */
static size_t
children(pid_t *v, size_t max)
{
	int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	char text[TEXT], *p = text, *end;
	ssize_t len;
	size_t n;

	if (fd == -1)
		return 0;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	for (n = 0; n < max; n++, p = end) {
		v[n] = (pid_t)strtol(p, &end, 10);
		if (end == p)
			break;
	}
	return n;
}

void
orphans_begin(struct orphans *k)
{
	k->reaper = 0;
	(void)prctl(PR_GET_CHILD_SUBREAPER, &k->reaper);
	k->n = children(k->known, ORPHANS_BEFORE);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static bool
known(const struct orphans *k, pid_t pid)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (k->known[i] == pid)
			return true;
	return false;
}

/* Not a moment for what is over, but not reaped. */
static void
wait_for_others(pid_t pid)
{
	struct pollfd p = { .fd = pidfd_open(pid, 0), .events = POLLIN };

	(void)poll(&p, 1, OTHERS_MS);
	if (p.fd != -1)
		close(p.fd);
}

bool
orphans_kill_one(struct orphans *k, pid_t pid, int *status)
{
	bool others = kill(pid, SIGKILL) == -1 && errno == EPERM;
	pid_t rc;

	if (others)
		wait_for_others(pid);
	do
		rc = waitpid(pid, status, others ? WNOHANG : 0);
	while (rc == -1 && errno == EINTR);
	if (rc == -1)
		*status = -1;
	if (rc == 0 && k->n < sizeof(k->known) / sizeof(k->known[0]))
		k->known[k->n++] = pid;
	return rc != 0;
}

void
orphans_kill(struct orphans *k)
{
	pid_t v[ORPHANS_BEFORE];
	size_t i, n, round;
	bool more = true;
	int status;

	/* Each that goes leaves us its own children. */
	for (round = 0; round < ROUNDS && more; round++) {
		n = children(v, ORPHANS_BEFORE);
		more = false;
		for (i = 0; i < n; i++)
			if (!known(k, v[i]) && getpgid(v[i]) == getpgrp() &&
			    orphans_kill_one(k, v[i], &status))
				more = true;
	}
}

void
orphans_end(const struct orphans *k)
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, k->reaper);
}
