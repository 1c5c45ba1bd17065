/* SPDX-License-Identifier: ISC */
#include "hook.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proc/child.h"

struct hook {
	struct child *child;
	const char *command, *name;	/* borrowed; name is static */
	char job[64];
	void (*on_end)(void *arg, const struct err *e);
	void *arg;
};

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

static void
on_child(void *arg, const struct child_end *end)
{
	struct hook *h = arg;
	struct err e = ERR_INIT;
	char why[64];

	if (end->status == 0) {
		h->on_end(h->arg, NULL);
		return;
	}
	child_why(end->status, why, sizeof(why));
	err_set(&e, ERR_PEER, "%s of %s: %s: %s", h->name, h->job, h->command,
	    why);
	h->on_end(h->arg, &e);
}

static struct hook *
start(struct loop *l, const char *command, const char *name,
    const struct settings_job *j, const struct reply *result, bool group,
    void (*on_end)(void *arg, const struct err *e), void *arg, struct err *e)
{
	char *argv[] = { "/bin/sh", "-c", (char *)command, NULL };
	struct hook *h = calloc(1, sizeof(*h));
	struct child_spec s = { .argv = argv,
		/* Our stdout may carry frames, or JSON. */
		.io = { CHILD_NULL, CHILD_FD, CHILD_INHERIT },
		.fd = { [1] = STDERR_FILENO }, .own_group = group,
		.on_end = on_child, .arg = h };

	if (h == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	*h = (struct hook){ .command = command, .name = name,
		.on_end = on_end, .arg = arg };
	snprintf(h->job, sizeof(h->job), "%s",
	    j->section != NULL ? j->section : "?");
	if (set_env(name, j, result, e) == 0)
		h->child = child_start(l, &s, e);
	if (h->child == NULL) {
		free(h);
		return NULL;
	}
	return h;
}

struct hook *
hook_start(struct loop *l, const char *command, const char *name,
    const struct settings_job *j, const struct reply *result,
    void (*on_end)(void *arg, const struct err *e), void *arg, struct err *e)
{
	return start(l, command, name, j, result, true, on_end, arg, e);
}

void
hook_free(struct hook *h)
{
	if (h == NULL)
		return;
	child_free(h->child);
	free(h);
}

/* What hook_run() waits for. */
struct wait {
	struct loop *loop;
	struct err err;
};

static void
on_end(void *arg, const struct err *e)
{
	struct wait *w = arg;

	if (e != NULL)
		w->err = *e;
	loop_stop(w->loop);
}

int
hook_run(const char *command, const char *name, const struct settings_job *j,
    const struct reply *result, struct err *e)
{
	struct wait w = { .err = ERR_INIT };
	struct hook *h;
	int rc;

	if (command == NULL || *command == '\0')
		return 0;
	w.loop = loop_new(e);
	if (w.loop == NULL)
		return -1;
	/* Of our own group: an interrupt from the terminal is for both. */
	h = start(w.loop, command, name, j, result, false, on_end, &w, e);
	rc = h != NULL ? loop_run(w.loop, e) : -1;
	hook_free(h);
	loop_free(w.loop);
	if (rc == 0 && w.err.code != ERR_NONE) {
		if (e != NULL)
			*e = w.err;
		rc = -1;
	}
	return rc;
}
