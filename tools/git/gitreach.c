/* SPDX-License-Identifier: ISC */
#include "gitreach.h"

#include <sys/wait.h>

#define SSH_FAILED 255	/* ssh's own status; a command's is another one */

void
gitreach_said(void *arg, const char *line)
{
	struct gitreach *r = arg;
	enum sshfail f = sshargv_fail(line);

	if (f > r->fail)
		r->fail = f;
}

void
gitreach_end(struct gitreach *r, const struct keyproc_end *end)
{
	if (end->timed_out || !WIFEXITED(end->status) ||
	    WEXITSTATUS(end->status) == SSH_FAILED)
		return;
	r->in = true;
	r->status = WEXITSTATUS(end->status);
	/* What was said is the session's own then. */
	r->fail = SSHFAIL_OTHER;
}
