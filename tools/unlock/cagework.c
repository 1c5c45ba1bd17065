/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cage.h"
#include "fanout.h"
#include "remote/remote.h"
#include "ways.h"

/*
 * --cage: the drop-in is for what the always-on daemon serves, which is
 * csync2.cfg (or what -c and -C name). The keys that are FIFOs here, of that
 * configuration and of every other one beside it, are what must stay out of
 * the daemon's reach.
 */

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

static bool
wants(struct run_host *h)
{
	return h->ph->here || h->run->o->hosts;
}

/* The keys that are FIFOs on this host, and their groups' folders. */
static int
privileged(const struct run *r, const char *host, struct strv *fifos,
    struct strv *roots, struct err *e)
{
	const struct cfg_group *g;
	struct stat st;
	struct buf path;
	size_t i, k;
	int rc = 0;

	buf_init(&path, 4096);
	for (i = 0; i < r->ncfgs; i++)
		for (k = 0; rc == 0 && k < r->cfgs[i].ngroups; k++) {
			g = &r->cfgs[i].groups[k];
			buf_clear(&path);
			rc = cfg_key_path(g, r->o->sysdir, &path, e);
			if (rc == -1)
				continue;
			if (lstat(path.data, &st) == -1) {
				/* What can't be seen may well be one. */
				if (g->key != NULL && errno != ENOENT &&
				    errno != ENOTDIR)
					rc = err_sys(e, "%s:%u: the key %s",
					    g->key_at.file, g->key_at.line,
					    path.data);
				continue;
			}
			if (!S_ISFIFO(st.st_mode))
				continue;
			if (strv_add(fifos, path.data) == -1)
				rc = no_mem(e);
			else
				rc = cfg_roots(&r->cfgs[i], g, host, roots,
				    e);
		}
	buf_clear(&path);
	return rc;
}

/* The drop-in into text, what has to be there into needs. */
static int
emit(struct run_host *h, struct buf *text, struct strv *needs, bool tell,
    struct err *e)
{
	const struct run *r = h->run;
	const struct cfg *cfgs[] = { r->cfg };
	struct strv fifos = { 0 }, roots = { 0 }, notes = { 0 };
	struct cage_input in = { .cfgs = cfgs, .ncfgs = 1,
	    .sysdir = r->o->sysdir, .self = h->ph->name, .fifos = &fifos,
	    .roots = &roots };
	size_t i;
	int rc;

	rc = privileged(r, h->ph->name, &fifos, &roots, e);
	if (rc == 0)
		rc = cage_emit(&in, text, needs, &notes, e);
	for (i = 0; rc == 0 && tell && i < notes.n; i++)
		report_line(r->report, h->i, "note", notes.v[i]);
	if (rc == 0 && tell)
		report_line(r->report, h->i, "note", "the cage is the "
		    "daemon's: a csync2 that is run here by hand or by cron "
		    "reads the same database, and runs commands that a peer "
		    "put into it; run it in a unit with the same drop-in "
		    "(see postern-unlock(1))");
	strv_clear(&fifos);
	strv_clear(&roots);
	strv_clear(&notes);
	return rc;
}

static int
write_prepare(struct run_host *h, struct strv *vars, struct buf *input,
    struct err *e)
{
	struct strv needs = { 0 };
	int rc;

	rc = emit(h, input, &needs, true, e);
	if (rc == 0)
		rc = fanout_lines(vars, "needs", &needs, e);
	if (rc == 0 && (buf_adds(input, "#END\n") == -1 ||
	    strv_addf(vars, "path=%s", CAGE_PATH) == -1 ||
	    strv_addf(vars, "dry=%d", h->run->o->dry_run) == -1))
		rc = no_mem(e);
	strv_clear(&needs);
	return rc;
}

static int
test_prepare(struct run_host *h, struct strv *vars, struct buf *input,
    struct err *e)
{
	const struct cfg *c = h->run->cfg;
	struct strv needs = { 0 }, secrets = { 0 }, names = { 0 };
	struct buf text;
	size_t i, k;
	int rc;

	(void)input;
	buf_init(&text, 1 << 18);
	rc = emit(h, &text, &needs, false, e);
	if (rc == 0)
		rc = privileged(h->run, h->ph->name, &secrets, &secrets, e);
	for (i = 0; rc == 0 && i < c->ngroups; i++)
		for (k = 0; rc == 0 && k < c->groups[i].nhosts; k++)
			if (!strv_has(&names, c->groups[i].hosts[k].peer) &&
			    strv_add(&names, c->groups[i].hosts[k].peer) == -1)
				rc = no_mem(e);
	if (rc == 0 && (fanout_lines(vars, "needs", &needs, e) == -1 ||
	    fanout_lines(vars, "secrets", &secrets, e) == -1 ||
	    fanout_lines(vars, "names", &names, e) == -1))
		rc = -1;
	strv_clear(&needs);
	strv_clear(&secrets);
	strv_clear(&names);
	buf_clear(&text);
	return rc;
}

static void
on_event(struct run_host *h, const char *ev, const char *text)
{
	if (strcmp(ev, "step") == 0 || strcmp(ev, "note") == 0 ||
	    strcmp(ev, "attack") == 0 || strcmp(ev, "works") == 0)
		report_line(h->run->report, h->i, ev, text);
	/* An attack that was not held, or ordinary work that was. */
	if ((strcmp(ev, "attack") == 0 && strstr(text, " BROKE") != NULL) ||
	    (strcmp(ev, "works") == 0 && strstr(text, " NO") != NULL))
		run_host_end(h, REPORT_FAILED, "failed", text);
}

int
cage_start(struct run *r, struct err *e)
{
	const struct fanout_spec write = { .script = remote_script("cage"),
	    .doing = "caging", .done = r->o->dry_run ? "looked at" : "caged",
	    .wants = wants, .prepare = write_prepare, .on_event = on_event };
	const struct fanout_spec test = {
	    .script = remote_script("cage-test"), .doing = "attacking",
	    .done = "held", .wants = wants, .prepare = test_prepare,
	    .on_event = on_event };

	return fanout_start(r, r->o->test ? &test : &write, e);
}
