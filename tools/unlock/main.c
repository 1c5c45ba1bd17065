/* SPDX-License-Identifier: ISC */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app.h"
#include "run.h"
#include "secret/secret.h"
#include "show.h"
#include "ui/log.h"
#include "unlock.h"
#include "ways.h"

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

/* Whether g's key is a FIFO on this host. */
static bool
is_privileged(const struct app *a, const struct cfg_group *g)
{
	struct buf path;
	struct stat st;
	bool ret;

	buf_init(&path, 4096);
	ret = cfg_key_path(g, a->o.sysdir, &path, NULL) == 0 &&
	    lstat(path.data, &st) == 0 && S_ISFIFO(st.st_mode);
	buf_clear(&path);
	return ret;
}

/* Adds c's groups, or those that are privileged, to the chosen ones. */
static int
choose(struct app *a, const struct cfg *c, bool all, struct err *e)
{
	size_t i;

	for (i = 0; i < c->ngroups; i++)
		if ((all || is_privileged(a, &c->groups[i])) &&
		    !strv_has(&a->o.groups, c->groups[i].name) &&
		    strv_add(&a->o.groups, c->groups[i].name) == -1)
			return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

/*
 * --check without a name means the privileged groups; which configuration
 * holds them a person need not say. --cage is about every group of one.
 */
static int
choose_groups(struct app *a, struct err *e)
{
	struct cfg first;
	size_t i;

	if (a->o.groups.n > 0)
		return 0;
	for (i = 0; a->o.action == UNLOCK_CHECK && i < a->ncfgs; i++) {
		if (choose(a, &a->cfgs[i], false, e) == -1)
			return -1;
		if (a->o.groups.n == 0)
			continue;
		first = a->cfgs[0];
		a->cfgs[0] = a->cfgs[i];
		a->cfgs[i] = first;
		return 0;
	}
	if (a->o.action == UNLOCK_CHECK)
		log_warn("no group's key is a FIFO on this host: all groups "
		    "of %s are looked at as if they were privileged",
		    a->cfgs[0].files.v[0]);
	return choose(a, &a->cfgs[0], true, e);
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
		if (choose_groups(a, e) == -1)
			goto out;
	rc = plan_make(&a->o, &a->cfgs[0], &a->plan, e);
out:
	buf_clear(&path);
	return rc;
}

/* Runs start() on its own loop. Returns an exit status, or -1 with *e. */
int
app_run(struct app *a, const struct unlock_opts *o,
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
		a->stopped = r.stops == 0 ? 0 : r.status != 0 ? r.status :
		    err_exit(ERR_TIMEOUT);
	}
	if (clear != NULL)
		clear(&r);
	verify_clear(&r);
	run_clear(&r);
	return status;
}

static int
go(struct app *a, struct err *e)
{
	switch (a->o.action) {
	case UNLOCK_SETUP:
		return app_run(a, &a->o, setup_start, NULL, e);
	case UNLOCK_CAGE:
		return app_run(a, &a->o, cage_start, NULL, e);
	default:
		break;
	}
	switch (a->o.way) {
	case UNLOCK_FIFO:
		return app_run(a, &a->o, fifo_start, fifo_clear, e);
	case UNLOCK_SHARED:
		return app_run(a, &a->o, window_start, window_clear, e);
	default:
		return app_run(a, &a->o, pipe_start, pipe_clear, e);
	}
}

/* Every reason for which a push can't start, the last one as the error. */
static int
say_stops(const struct app *a, struct err *e)
{
	const struct strv *s = &a->plan.stops;
	size_t i;

	for (i = 0; i + 1 < s->n; i++)
		log_error("%s", s->v[i]);
	return err_set(e, ERR_CONFIG, "%s", s->v[s->n - 1]);
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
		return say_stops(a, e);
	for (i = 0; i < a->plan.notes.n && !a->o.quiet; i++)
		log_info("%s", a->plan.notes.v[i]);
	if (a->o.action != UNLOCK_SETUP && a->o.action != UNLOCK_CAGE) {
		status = precheck(a, e);
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
