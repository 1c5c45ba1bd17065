/* SPDX-License-Identifier: ISC */
#include "cmd.h"

#include <errno.h>

#include "proc/child.h"
#include "proc/loop.h"

struct cmd {
	struct loop *loop;
	struct buf *out;
	int status;
	bool timed_out;
	int io_errno;
};

static void
on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	struct cmd *c = arg;

	(void)s;
	(void)cut;
	if (buf_add(c->out, line, len) == 0)
		(void)buf_addc(c->out, '\n');
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct cmd *c = arg;

	c->status = end->status;
	c->timed_out = end->timed_out;
	c->io_errno = end->io_errno;
	loop_stop(c->loop);
}

int
cmd_run(char *const *argv, uint64_t timeout_ms, struct buf *out,
    int *ret_status, struct err *e)
{
	struct cmd c = { .out = out };
	struct child_spec spec = {
		.argv = argv,
		.io = { CHILD_NULL, CHILD_PIPE, CHILD_PIPE },
		.timeout_ms = timeout_ms,
		.line_max = 16384,
		.on_line = on_line,
		.on_end = on_end,
		.arg = &c,
	};
	struct child *child = NULL;
	int rc = -1;

	c.loop = loop_new(e);
	if (c.loop == NULL)
		goto out;
	child = child_start(c.loop, &spec, e);
	if (child == NULL || loop_run(c.loop, e) == -1)
		goto out;
	if (c.timed_out) {
		err_set(e, ERR_TIMEOUT, "%s: no end within %llu s", argv[0],
		    (unsigned long long)(timeout_ms / 1000));
		goto out;
	}
	if (c.io_errno != 0) {
		errno = c.io_errno;
		err_sys(e, "reading what %s says", argv[0]);
		goto out;
	}
	*ret_status = c.status;
	rc = 0;
out:
	child_free(child);
	loop_free(c.loop);
	return rc;
}
