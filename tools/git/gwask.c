/* SPDX-License-Identifier: ISC */
#include "gwask.h"

#include <string.h>

#include "gitprog.h"
#include "gitssh.h"
#include "keyproc.h"

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

static int
wire_line(const char *command, struct buf *out, struct err *e)
{
	struct gitwire w = { .id = GITID_CHECK, .ip = "-", .fp = "-",
		.gitproto = "version=2", .command = command,
		.command_len = strlen(command) };

	return gitprog_sid(w.sid, e) == -1 ? -1 : gitwire_emit(&w, out, e);
}

static const char *
dest(const struct gwask *a)
{
	return a->dest != NULL ? a->dest : a->conf->server;
}

static int
words(const struct gwask *a, struct strv *v, struct err *e)
{
	struct gitssh s = { .conf = a->conf, .dest = dest(a) };
	struct buf line;
	int rc = 0;

	buf_init(&line, GITWIRE_MAX);
	if (a->user != NULL && (strv_add(v, "runuser") | strv_add(v, "-u") |
	    strv_add(v, a->user) | strv_add(v, "--")) != 0)
		rc = no_mem(e);
	if (rc == 0)
		rc = wire_line(a->command, &line, e);
	s.command = line.data;
	if (rc == 0)
		rc = gitssh_argv(&s, v, e);
	buf_clear(&line);
	return rc;
}

int
gwask_run(const struct gwask *a, struct buf *out, struct gitreach *reach,
    struct err *e)
{
	struct strv v = { 0 };
	struct keyproc p = { .in = "", .on_said = gitreach_said, .arg = reach,
		.timeout_ms = a->timeout_ms > 0 ? a->timeout_ms : GWASK_MS };
	struct keyproc_end end;
	int rc;

	*reach = (struct gitreach){ 0 };
	rc = words(a, &v, e);
	if (rc == 0) {
		p.argv = v.v;
		rc = keyproc_run(&p, out, &end, e);
	}
	if (rc == 0) {
		gitreach_end(reach, &end);
		rc = keyproc_why(&end, dest(a), e);
	}
	strv_clear(&v);
	return rc;
}

int
gwask_way(const struct gwask *a, struct gitprobe_way *ret,
    struct gitreach *reach, struct err *e)
{
	struct err why = ERR_INIT;
	struct gwask info = *a;
	struct buf said;
	int rc;

	info.command = GITPROBE_C_INFO;
	buf_init(&said, 65536);
	rc = gwask_run(&info, &said, reach, &why);
	if (gitprobe_way(said.data, ret))
		rc = 0;
	else if (rc == 0)
		rc = err_set(e, ERR_PEER, "%s let this key in and did not "
		    "hold it to postern-git-serve", dest(a));
	else if (e != NULL)
		*e = why;
	buf_clear(&said);
	return rc;
}
