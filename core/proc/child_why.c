/* SPDX-License-Identifier: ISC */
#include "proc/child.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

void
child_why(int status, char *out, size_t cap)
{
	int sig;

	if (WIFSIGNALED(status)) {
		sig = WTERMSIG(status);
		snprintf(out, cap, "killed by signal %d (%s)", sig,
		    strsignal(sig));
	} else {
		snprintf(out, cap, "exit status %d", WEXITSTATUS(status));
	}
}
