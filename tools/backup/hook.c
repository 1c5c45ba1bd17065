/* SPDX-License-Identifier: ISC */
#include "hook.h"

#include <stdio.h>
#include <stdlib.h>

#include "proc/child.h"

struct hook {
	struct loop *loop;
	int status;
};

static void
on_end(void *arg, const struct child_end *end)
{
	struct hook *h = arg;

	h->status = end->status;
	loop_stop(h->loop);
}

static int
set_env(const char *name, const struct settings_job *j,
    const struct reply *r, struct err *e)
{
	char status[24] = "";
	int rc = 0;

	if (r != NULL)
		snprintf(status, sizeof(status), "%u", (unsigned)r->status);
	rc |= setenv("POSTERN_HOOK", name, 1);
	rc |= setenv("POSTERN_JOB", j->section != NULL ? j->section : "", 1);
	rc |= setenv("POSTERN_STATUS", status, 1);
	rc |= setenv("POSTERN_SNAPSHOT", r != NULL ? r->snapshot : "", 1);
	rc |= setenv("POSTERN_WHY", r != NULL ? r->why : "", 1);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

int
hook_run(const char *command, const char *name, const struct settings_job *j,
    const struct reply *result, struct err *e)
{
	char *argv[] = { "/bin/sh", "-c", (char *)command, NULL };
	struct hook h = { 0 };
	struct child_spec s = { .argv = argv,
		.io = { CHILD_NULL, CHILD_INHERIT, CHILD_INHERIT },
		.on_end = on_end, .arg = &h };
	struct child *c;
	char why[64];
	int rc;

	if (command == NULL || *command == '\0')
		return 0;
	if (set_env(name, j, result, e) == -1)
		return -1;
	h.loop = loop_new(e);
	if (h.loop == NULL)
		return -1;
	c = child_start(h.loop, &s, e);
	rc = c != NULL ? loop_run(h.loop, e) : -1;
	child_free(c);
	loop_free(h.loop);
	if (rc == -1 || h.status == 0)
		return rc;
	child_why(h.status, why, sizeof(why));
	return err_set(e, ERR_PEER, "%s of job %s: %s: %s", name,
	    j->section != NULL ? j->section : "?", command, why);
}
