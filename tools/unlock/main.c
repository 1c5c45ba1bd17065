/* SPDX-License-Identifier: ISC */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "facts.h"
#include "plan.h"
#include "run.h"
#include "secret/secret.h"
#include "show.h"
#include "ui/log.h"
#include "unlock.h"
#include "ways.h"

struct app {
	struct unlock_opts o;
	struct cfg *cfgs;		/* [0]: the chosen one */
	size_t ncfgs;
	struct plan plan;
	struct facts facts;
};

static int
load(struct app *a, const char *path, struct err *e)
{
	struct cfg *c;

	c = reallocarray(a->cfgs, a->ncfgs + 1, sizeof(*c));
	if (c == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	a->cfgs = c;
	c += a->ncfgs++;
	*c = (struct cfg){ 0 };
	return cfg_parse(path, a->o.self, cfg_load_file, NULL, c, e);
}

/* What else csync2 serves on this host matters to the check. */
static int
load_others(struct app *a, const char *chosen)
{
	struct buf pattern;
	glob_t g;
	size_t i;
	struct err e = ERR_INIT;

	buf_init(&pattern, 4096);
	if (buf_addf(&pattern, "%s/csync2*.cfg", a->o.sysdir) == -1 ||
	    glob(pattern.data, 0, NULL, &g) != 0) {
		buf_clear(&pattern);
		return 0;
	}
	for (i = 0; i < g.gl_pathc; i++)
		if (strcmp(g.gl_pathv[i], chosen) != 0 &&
		    load(a, g.gl_pathv[i], &e) == -1) {
			log_warn("%s (left out of the check)", e.msg);
			cfg_clear(&a->cfgs[--a->ncfgs]);
		}
	globfree(&g);
	buf_clear(&pattern);
	return 0;
}

/* --check and --cage without a name mean every group there is. */
static int
choose_all(struct app *a, struct err *e)
{
	size_t i;

	for (i = 0; a->o.groups.n == 0 && i < a->cfgs[0].ngroups; i++)
		if (!strv_has(&a->o.groups, a->cfgs[0].groups[i].name) &&
		    strv_add(&a->o.groups, a->cfgs[0].groups[i].name) == -1)
			return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

static int
prepare(struct app *a, struct err *e)
{
	struct buf path;
	int rc = -1;

	buf_init(&path, 4096);
	if (cfg_path(a->o.sysdir, a->o.cfg_name, a->o.cfg_file, &path,
	    e) == -1 || load(a, path.data, e) == -1)
		goto out;
	load_others(a, path.data);
	if (a->o.action == UNLOCK_CHECK || a->o.action == UNLOCK_CAGE)
		if (choose_all(a, e) == -1)
			goto out;
	rc = plan_make(&a->o, &a->cfgs[0], &a->plan, e);
out:
	buf_clear(&path);
	return rc;
}

/* Runs start() on its own loop. Returns an exit status, or -1 with *e. */
static int
run_way(struct app *a, const struct unlock_opts *o,
    int (*start)(struct run *, struct err *), void (*clear)(struct run *),
    struct err *e)
{
	struct run r = { 0 };
	int status = -1;

	if (run_init(&r, o, &a->cfgs[0], &a->plan, e) == 0) {
		r.facts = &a->facts;
		r.cfgs = a->cfgs;
		r.ncfgs = a->ncfgs;
		if (start(&r, e) == 0)
			status = run_loop(&r, e);
	}
	if (clear != NULL)
		clear(&r);
	verify_clear(&r);
	run_clear(&r);
	return status;
}

/* The findings, with what the hosts said if they were asked. */
static int
findings(struct app *a, struct check_list *l, struct err *e)
{
	static const enum check_mode modes[] = { [UNLOCK_PIPE] = CHECK_PIPE,
	    [UNLOCK_FIFO] = CHECK_FIFO, [UNLOCK_SHARED] = CHECK_SHARED };
	const struct cfg **cfgs;
	struct check_input in;
	size_t i;
	int rc;

	cfgs = calloc(a->ncfgs, sizeof(struct cfg *));
	if (cfgs == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < a->ncfgs; i++)
		cfgs[i] = &a->cfgs[i];
	in = (struct check_input){ .cfgs = cfgs, .ncfgs = a->ncfgs,
	    .chosen = &a->o.groups,
	    .pusher = a->plan.pusher != PLAN_NOBODY ?
	    a->plan.hosts[a->plan.pusher].name : a->o.self,
	    .sysdir = a->o.sysdir, .hosts = a->facts.hosts,
	    .nhosts = a->facts.n, .mode = modes[a->o.way],
	    .key_file = strncmp(a->o.key, "file:", 5) == 0 };
	rc = check_run(&in, l, e);
	free(cfgs);
	return rc;
}

/* Whether the hosts are asked before the check: what stops --fifo and the
 * shared windows hangs on the daemons that run there. */
static bool
asks_hosts(const struct unlock_opts *o)
{
	if (o->action == UNLOCK_CHECK)
		return o->hosts;
	return o->way != UNLOCK_PIPE && !o->accept_risk &&
	    o->action != UNLOCK_SETUP && o->action != UNLOCK_CAGE;
}

/* 0: go on. Otherwise an exit status, or -1 with *e. */
static int
check(struct app *a, struct err *e)
{
	struct check_list l = { 0 };
	struct unlock_opts quiet = a->o;
	int status = 0;

	if (facts_init(&a->facts, &a->plan, e) == -1)
		return -1;
	if (asks_hosts(&a->o)) {
		quiet.quiet = quiet.quiet || a->o.action != UNLOCK_CHECK;
		quiet.action = UNLOCK_CHECK;
		status = run_way(a, &quiet, probe_start, NULL, e);
		if (status == -1)
			return -1;
		/* Who can't be asked fails in the push itself. */
		if (a->o.action != UNLOCK_CHECK)
			status = 0;
	}
	if (findings(a, &l, e) == -1)
		status = -1;
	else
		show_findings(&a->o, &l);
	if (status == 0 && a->o.action == UNLOCK_CHECK) {
		status = check_worst(&l) == CHECK_RISK ? 1 : 0;
	} else if (status == 0 && a->o.strict && l.n > 0) {
		log_error("stopped, since --strict was given: %zu findings",
		    l.n);
		status = 1;
	} else if (status == 0 && a->o.way != UNLOCK_PIPE &&
	    !a->o.accept_risk && check_worst(&l) == CHECK_RISK) {
		log_error("stopped: with these risks a key in a FIFO opens "
		    "more than it should (--accept-risk goes on; the "
		    "default push needs no FIFO)");
		status = 1;
	}
	check_list_clear(&l);
	return status;
}

static int
go(struct app *a, struct err *e)
{
	switch (a->o.action) {
	case UNLOCK_SETUP:
		return run_way(a, &a->o, setup_start, NULL, e);
	case UNLOCK_CAGE:
		return run_way(a, &a->o, cage_start, NULL, e);
	default:
		break;
	}
	switch (a->o.way) {
	case UNLOCK_FIFO:
		return run_way(a, &a->o, fifo_start, fifo_clear, e);
	case UNLOCK_SHARED:
		return run_way(a, &a->o, window_start, window_clear, e);
	default:
		return run_way(a, &a->o, pipe_start, pipe_clear, e);
	}
}

static int
work(struct app *a, struct err *e)
{
	size_t i;
	int status;

	if (prepare(a, e) == -1)
		return -1;
	if (a->o.dry_run && a->o.action != UNLOCK_SETUP &&
	    a->o.action != UNLOCK_CAGE)
		return show_plan(&a->o, &a->cfgs[0], &a->plan, e);
	if (a->plan.stops.n > 0)
		return err_set(e, ERR_CONFIG, "%s", a->plan.stops.v[0]);
	for (i = 0; i < a->plan.notes.n && !a->o.quiet; i++)
		log_info("%s", a->plan.notes.v[i]);
	if (a->o.action != UNLOCK_SETUP && a->o.action != UNLOCK_CAGE) {
		status = check(a, e);
		if (status != 0 || a->o.action == UNLOCK_CHECK)
			return status;
	}
	return go(a, e);
}

int
main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	struct app a = { 0 };
	struct err e = ERR_INIT;
	size_t i;
	int status;

	name = name != NULL ? name + 1 : argv[0];
	log_open("postern-unlock", LOG_LVL_INFO);
	if (secret_harden(&e) == -1)
		return log_err(&e);
	status = opts_parse(argc, argv, strcmp(name, "csync2_unlocker") == 0,
	    &a.o, &e);
	if (status == 0) {
		log_open("postern-unlock", a.o.verbose ? LOG_LVL_DEBUG :
		    a.o.quiet ? LOG_LVL_ERROR : LOG_LVL_INFO);
		status = work(&a, &e);
	} else if (status == 1) {
		status = 0;
	}
	if (status == -1)
		status = log_err(&e);
	facts_clear(&a.facts);
	plan_clear(&a.plan);
	for (i = 0; i < a.ncfgs; i++)
		cfg_clear(&a.cfgs[i]);
	free(a.cfgs);
	opts_clear(&a.o);
	return status;
}
