/* SPDX-License-Identifier: ISC */
#include "secret/orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS	64	/* what goes on forking is left to its owner */
#define TEXT	4096

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
	k->n = children(k->before, ORPHANS_BEFORE);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static bool
known(const struct orphans *k, pid_t pid)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (k->before[i] == pid)
			return true;
	return false;
}

void
orphans_kill(const struct orphans *k)
{
	pid_t v[ORPHANS_BEFORE];
	size_t i, n, round;
	bool more = true;

	/* Each that goes leaves us its own children. */
	for (round = 0; round < ROUNDS && more; round++) {
		n = children(v, ORPHANS_BEFORE);
		more = false;
		for (i = 0; i < n; i++) {
			if (known(k, v[i]) || getpgid(v[i]) != getpgrp())
				continue;
			kill(v[i], SIGKILL);
			while (waitpid(v[i], NULL, 0) == -1 && errno == EINTR)
				;
			more = true;
		}
	}
}

void
orphans_end(const struct orphans *k)
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, k->reaper);
}
