/* SPDX-License-Identifier: ISC */
#include "hook.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hook_out.h"
#include "proc/child.h"

struct hook {
	struct child *child;
	struct hook_spec spec;		/* job, result: not after the start */
	char job[64];
	bool ours;			/* we read what it says */
	struct hook_out out;
	void (*on_end)(void *arg, const struct err *e);
	void *arg;
};

static int
set_env(const struct hook_spec *s, struct err *e)
{
	const struct reply *r = s->result;
	char status[24] = "";
	int rc = 0;

	if (r != NULL)
		snprintf(status, sizeof(status), "%u", (unsigned)r->status);
	rc |= setenv("POSTERN_HOOK", s->name, 1);
	rc |= setenv("POSTERN_JOB", s->job != NULL ? s->job : "", 1);
	rc |= setenv("POSTERN_STATUS", status, 1);
	rc |= setenv("POSTERN_SNAPSHOT", r != NULL ? r->snapshot : "", 1);
	rc |= setenv("POSTERN_WHY", r != NULL ? r->why : "", 1);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

/* How it ended: 0, or -1 with what is to be said of it. */
static int
judge(const struct hook *h, const struct child_end *end, struct err *e)
{
	const struct hook_spec *s = &h->spec;
	char why[64];

	if (end->timed_out)
		return err_set(e, ERR_TIMEOUT, "%s of %s: %s: not done within "
		    "%g s (%s): it was ended", s->name, h->job, s->command,
		    (double)s->limit_ms / 1000, s->limit_key);
	if (end->status == 0)
		return 0;
	child_why(end->status, why, sizeof(why));
	return err_set(e, ERR_PEER, "%s of %s: %s: %s", s->name, h->job,
	    s->command, why);
}

static void
on_line(void *arg, enum child_stream stream, const char *line, size_t len,
    bool cut)
{
	struct hook *h = arg;

	hook_out_add(&h->out, line, len);
}

static void
on_child(void *arg, const struct child_end *end)
{
	struct hook *h = arg;
	struct err e = ERR_INIT;
	bool failed = judge(h, end, &e) == -1;

	if (h->ours)
		hook_out_tell(&h->out, h->spec.name, h->job,
		    failed ? &e : NULL);
	h->on_end(h->arg, failed ? &e : NULL);
}

/* ours: its outputs are pipes to us. Else they are our stderr: our stdout may
 * carry frames, or JSON. */
static struct hook *
start(struct loop *l, const struct hook_spec *spec, bool ours, bool group,
    void (*on_end)(void *arg, const struct err *e), void *arg, struct err *e)
{
	char *argv[] = { "/bin/sh", "-c", (char *)spec->command, NULL };
	struct hook *h = calloc(1, sizeof(*h));
	struct child_spec s = { .argv = argv,
		.io = { CHILD_NULL, CHILD_FD, CHILD_INHERIT },
		.fd = { [1] = STDERR_FILENO }, .own_group = group,
		.timeout_ms = spec->limit_ms, .on_line = on_line,
		.on_end = on_child, .arg = h };

	if (h == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	if (ours)
		s.io[1] = s.io[2] = CHILD_PIPE;
	h->spec = *spec;
	h->ours = ours;
	h->on_end = on_end;
	h->arg = arg;
	snprintf(h->job, sizeof(h->job), "%s",
	    spec->job != NULL ? spec->job : "?");
	if (set_env(spec, e) == 0)
		h->child = child_start(l, &s, e);
	if (h->child == NULL) {
		free(h);
		return NULL;
	}
	return h;
}

struct hook *
hook_start(struct loop *l, const struct hook_spec *spec,
    void (*on_end)(void *arg, const struct err *e), void *arg, struct err *e)
{
	return start(l, spec, true, true, on_end, arg, e);
}

void
hook_free(struct hook *h)
{
	if (h == NULL)
		return;
	child_free(h->child);
	/* It was killed: what it said until then. */
	if (h->ours)
		hook_out_tell(&h->out, h->spec.name, h->job, NULL);
	free(h);
}

/* --- the owner's machine --- */

struct wait {
	struct loop *loop;
	struct hook *hook;
	int signo;			/* what we were told to end by */
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

/* In a group of its own it has not got the signal. */
static void
on_signal(void *arg, int signo)
{
	struct wait *w = arg;

	w->signo = signo;
	if (w->hook != NULL)
		child_deadline(w->hook->child, 1);
	else
		loop_stop(w->loop);
}

/* Those that would end us: nohup(1) has one ignored. */
static int
catch_signals(struct wait *w, struct err *e)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	struct sigaction is;
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], NULL, &is) == 0 &&
		    is.sa_handler != SIG_IGN && loop_signal(w->loop,
		    signals[i], on_signal, w, e) == -1)
			return -1;
	return 0;
}

static bool
has_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd == -1)
		return false;
	close(fd);
	return true;
}

int
hook_run(const struct hook_spec *spec, struct err *e)
{
	struct wait w = { .err = ERR_INIT };
	int rc;

	if (spec->command == NULL || *spec->command == '\0')
		return 0;
	w.loop = loop_new(e);
	if (w.loop == NULL)
		return -1;
	rc = catch_signals(&w, e);
	if (rc == 0) {
		w.hook = start(w.loop, spec, false, !has_terminal(), on_end,
		    &w, e);
		rc = w.hook != NULL ? loop_run(w.loop, e) : -1;
	}
	hook_free(w.hook);
	loop_free(w.loop);
	if (w.signo != 0)
		raise(w.signo);
	if (rc == 0 && w.err.code != ERR_NONE) {
		if (e != NULL)
			*e = w.err;
		rc = -1;
	}
	return rc;
}
