/* SPDX-License-Identifier: ISC */
#include "keyproc.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/esc.h"
#include "proc/child.h"
#include "proc/loop.h"

struct run {
	const struct keyproc *p;
	struct loop *loop;
	struct child *child;
	struct buf *out;
	struct keyproc_end end;
	struct err failed;
};

static void
stop(struct run *r)
{
	struct child *c = r->child;

	/* First, since sent() is called from within child_free(). */
	r->child = NULL;
	child_free(c);
	loop_stop(r->loop);
}

static void
keep(struct run *r, const void *data, size_t len)
{
	if (r->failed.code != ERR_NONE)
		return;
	if (buf_add(r->out, data, len) == 0)
		return;
	err_set(&r->failed, ERR_PEER, "%s: says more than %zu bytes",
	    r->p->argv[0], r->out->max);
	stop(r);
}

static void
on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	struct run *r = arg;

	(void)cut;
	if (s == CHILD_STDOUT) {
		keep(r, line, len);
		keep(r, "\n", 1);
		return;
	}
	/* ssh's own lines end in CR LF. */
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len > 0)
		snprintf(r->end.said, sizeof(r->end.said), "%.*s", (int)len,
		    line);
	if (r->p->on_said != NULL)
		r->p->on_said(r->p->arg, line);
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct run *r = arg;

	r->end.status = end->status;
	r->end.timed_out = end->timed_out;
	stop(r);
}

static void
sent(void *arg)
{
	struct run *r = arg;

	if (r->child != NULL)
		child_close_stdin(r->child);
}

/* Much of what runs here runs as git, for root: a terminal that it could open
 * is one that it could type into (TIOCSTI). */
static int
no_terminal(void *arg)
{
	(void)arg;
	return setsid() == -1 ? -1 : 0;
}

static int
start(struct run *r, struct err *e)
{
	struct child_spec spec = {
		.argv = r->p->argv,
		.envp = r->p->envp,
		.io = { CHILD_PIPE, CHILD_PIPE, CHILD_PIPE },
		.out_max = r->p->in_len,
		/* 0 is no time at all here, and no limit there. */
		.timeout_ms = r->p->timeout_ms > 0 ? r->p->timeout_ms : 1,
		.before_exec = no_terminal,
		.on_line = on_line,
		.on_end = on_end,
		.arg = r,
	};

	r->child = child_start(r->loop, &spec, e);
	if (r->child == NULL)
		return -1;
	/* Not for being secret: this way it is not copied. */
	return child_send_secret(r->child, r->p->in, r->p->in_len, sent, r,
	    e);
}

int
keyproc_run(const struct keyproc *p, struct buf *out,
    struct keyproc_end *ret, struct err *e)
{
	struct run r = { .p = p, .out = out };
	int rc = -1;

	r.loop = loop_new(e);
	if (r.loop == NULL)
		return -1;
	if (start(&r, e) == 0 && loop_run(r.loop, e) == 0)
		rc = 0;
	stop(&r);
	loop_free(r.loop);
	if (rc == 0 && r.failed.code != ERR_NONE) {
		if (e != NULL)
			*e = r.failed;
		rc = -1;
	}
	if (rc == 0)
		*ret = r.end;
	return rc;
}

int
keyproc_why(const struct keyproc_end *end, const char *name, struct err *e)
{
	struct buf said;
	char how[64];

	if (WIFEXITED(end->status) && WEXITSTATUS(end->status) == 0 &&
	    !end->timed_out)
		return 0;
	child_why(end->status, how, sizeof(how));
	buf_init(&said, 4 * KEYPROC_SAID);
	/* A forced command of ours has escaped what it says. */
	if (esc_again(&said, end->said, strlen(end->said)) == -1)
		buf_clear(&said);
	err_set(e, end->timed_out ? ERR_TIMEOUT : ERR_PEER, "%s: %s%s%s%s",
	    name, end->timed_out ? "took too long" : how,
	    said.len > 0 ? " (" : "", said.data, said.len > 0 ? ")" : "");
	buf_clear(&said);
	return -1;
}
