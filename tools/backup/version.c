/* SPDX-License-Identifier: ISC */
#include "version.h"

#include <stdlib.h>
#include <string.h>

#include "jail.h"
#include "proc/child.h"

#define LIMIT_MS 10000

/* "rsync  version 3.2.7  protocol version 31" */
bool
version_line(const char *line, char out[VERSION_MAX + 1])
{
	static const char head[] = "rsync  version ";
	size_t n;

	if (strncmp(line, head, sizeof(head) - 1) != 0)
		return false;
	line += sizeof(head) - 1;
	line += *line == 'v';
	n = strspn(line, "0123456789abcdefghijklmnopqrstuvwxyz.");
	if (n == 0 || n > VERSION_MAX || *line < '0' || *line > '9')
		return false;
	memcpy(out, line, n);
	out[n] = '\0';
	return true;
}

/* What comes before a release ("3.3.0pre1") may be without it. */
bool
version_holes(const char *version)
{
	unsigned long major, minor;
	char *end;

	if (*version < '0' || *version > '9')
		return false;
	major = strtoul(version, &end, 10);
	if (*end != '.' || end[1] < '0' || end[1] > '9')
		return false;
	minor = strtoul(end + 1, &end, 10);
	if (major != 3 || minor != 3)
		return major > 3 || (major == 3 && minor > 3);
	return end[strspn(end, "0123456789.")] == '\0';
}

static void
on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	struct version *v = arg;

	if (s == CHILD_STDOUT)
		(void)version_line(line, v->said);
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct version *v = arg;

	v->on_end(v->arg);
}

int
version_start(struct version *v, struct loop *l, struct err *e)
{
	char *argv[] = { JAIL_RSYNC, "--version", NULL };
	const struct child_spec s = { .argv = argv,
		.io = { CHILD_NULL, CHILD_PIPE, CHILD_NULL },
		.timeout_ms = LIMIT_MS, .on_line = on_line, .on_end = on_end,
		.arg = v };

	v->child = child_start(l, &s, e);
	return v->child != NULL ? 0 : -1;
}

void
version_clear(struct version *v)
{
	child_free(v->child);
	v->child = NULL;
}

static void
on_said(void *arg)
{
	loop_stop(arg);
}

int
version_rsync(char **ret, struct err *e)
{
	struct loop *l = loop_new(e);
	struct version v = { .on_end = on_said, .arg = l };
	int rc;

	if (l == NULL)
		return -1;
	rc = version_start(&v, l, e);
	if (rc == 0)
		rc = loop_run(l, e);
	version_clear(&v);
	loop_free(l);
	if (rc == -1)
		return -1;
	if (v.said[0] == '\0')
		return err_set(e, ERR_PEER, "%s --version says nothing of a "
		    "version", JAIL_RSYNC);
	*ret = strdup(v.said);
	return *ret != NULL ? 0 : err_set(e, ERR_MEM, "out of memory");
}
