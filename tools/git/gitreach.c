/* SPDX-License-Identifier: ISC */
#include "gitreach.h"

#include <string.h>
#include <sys/wait.h>

#define SSH_FAILED 255	/* ssh's own status; a command's is another one */
#define SIGNALLED 128	/* runuser's, plus the signal that ended its command */
#define RUNUSER	"runuser:"	/* how its own words begin */

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

bool
gitreach_runuser(struct gitreach *r, const struct keyproc_end *end)
{
	if (!r->in || r->status == 0 || (r->status <= SIGNALLED &&
	    strncmp(end->said, RUNUSER, strlen(RUNUSER)) != 0))
		return false;
	r->in = false;
	return true;
}

void
gitreach_came(struct gitreach *r)
{
	if (r->in)
		return;
	/* Nothing but a loss is ssh's to tell then. */
	if (r->fail != SSHFAIL_OTHER)
		r->fail = SSHFAIL_LOST;
	else
		r->in = true;
}
