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

/* What failed did so on this host. */
static int
here(const struct keyproc_end *end, struct err *e)
{
	struct err why = ERR_INIT;

	(void)keyproc_why(end, "ssh failed on this host", &why);
	return err_set(e, ERR_SYS, "%s", why.msg);
}

static int
judge(const struct gwask *a, const struct buf *out,
    const struct keyproc_end *end, struct gitreach *reach, struct err *e)
{
	struct gitprobe_way way;

	gitreach_end(reach, end);
	if (gitprobe_way(out->data, &way))
		gitreach_came(reach);
	else if (a->user != NULL && gitreach_runuser(reach, end))
		return here(end, e);
	return keyproc_why(end, dest(a), e);
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
	if (rc == 0)
		rc = judge(a, out, &end, reach, e);
	strv_clear(&v);
	return rc;
}

/* gitolite's greeting is asked for; *ret_end is how the session itself ended,
 * 0 only with that. */
static int
info(const struct gwask *a, struct gitprobe_way *ret,
    struct gitreach *reach, int *ret_end, struct err *e)
{
	struct gwask asked = *a;
	struct buf said;
	int rc;

	asked.command = GITPROBE_C_INFO;
	buf_init(&said, 65536);
	*ret_end = gwask_run(&asked, &said, reach, e);
	rc = gitprobe_way(said.data, ret) ? 0 : -1;
	if (rc == -1 && *ret_end == 0)
		err_set(e, ERR_PEER, "%s let this key in and did not hold it "
		    "to postern-git-serve", dest(a));
	if (rc == 0 && *ret_end == 0 && ret->gitolite &&
	    strstr(said.data, GITPROBE_GREETS) == NULL)
		*ret_end = err_set(e, ERR_PEER, "%s: gitolite did not greet",
		    dest(a));
	buf_clear(&said);
	return rc;
}

int
gwask_way(const struct gwask *a, struct gitprobe_way *ret,
    struct gitreach *reach, struct err *e)
{
	struct err why = ERR_INIT;
	int end, rc = info(a, ret, reach, &end, &why);

	if (rc == -1 && e != NULL)
		*e = why;
	return rc;
}

int
gwask_serves(const struct gwask *a, struct gitreach *reach, struct err *e)
{
	struct gitprobe_way way;
	struct err why = ERR_INIT;
	int end, rc = info(a, &way, reach, &end, &why);

	/* Another program knows no such question. */
	if (rc == 0 && way.gitolite)
		rc = end;
	if (rc == -1 && e != NULL)
		*e = why;
	return rc;
}
