/* SPDX-License-Identifier: ISC */
#include "version.h"

#include <string.h>

#include "jail.h"
#include "proc/child.h"

#define LIMIT_MS 10000
#define VERSION_MAX 31

struct ask {
	struct loop *loop;
	char version[VERSION_MAX + 1];
};

/* "rsync  version 3.2.7  protocol version 31" */
static void
on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	static const char head[] = "rsync  version ";
	struct ask *a = arg;
	size_t n;

	if (s != CHILD_STDOUT || strncmp(line, head, sizeof(head) - 1) != 0)
		return;
	line += sizeof(head) - 1;
	n = strspn(line, "0123456789abcdefghijklmnopqrstuvwxyz.");
	if (n > 0 && n <= VERSION_MAX && *line >= '0' && *line <= '9') {
		memcpy(a->version, line, n);
		a->version[n] = '\0';
	}
}

static void
on_end(void *arg, const struct child_end *end)
{
	loop_stop(((struct ask *)arg)->loop);
}

int
version_rsync(char **ret, struct err *e)
{
	char *argv[] = { JAIL_RSYNC, "--version", NULL };
	struct ask a = { 0 };
	struct child_spec s = { .argv = argv,
		.io = { CHILD_NULL, CHILD_PIPE, CHILD_NULL },
		.timeout_ms = LIMIT_MS, .on_line = on_line, .on_end = on_end,
		.arg = &a };
	struct child *c;
	int rc;

	a.loop = loop_new(e);
	if (a.loop == NULL)
		return -1;
	c = child_start(a.loop, &s, e);
	rc = c != NULL ? loop_run(a.loop, e) : -1;
	child_free(c);
	loop_free(a.loop);
	if (rc == -1)
		return -1;
	if (a.version[0] == '\0')
		return err_set(e, ERR_PEER, "%s --version says nothing of a "
		    "version", JAIL_RSYNC);
	*ret = strdup(a.version);
	return *ret != NULL ? 0 : err_set(e, ERR_MEM, "out of memory");
}
