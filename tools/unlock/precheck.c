/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "check.h"
#include "show.h"
#include "ui/log.h"
#include "ways.h"

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

/* Whether every host is asked before the check, or only this one: what
 * stops --fifo and the shared windows hangs on the daemons that run there. */
static bool
asks_all(const struct unlock_opts *o)
{
	if (o->action == UNLOCK_CHECK)
		return o->hosts;
	return o->strict || (o->way != UNLOCK_PIPE && !o->accept_risk);
}

/* A default push adds no risk, asks nobody else and uses no TLS: what it
 * would have to assume of other hosts, and what is only good to know, is left
 * to --check --hosts. */
static void
drop_assumed(const struct app *a, struct check_list *l)
{
	size_t i, k, n = 0;

	for (i = 0; i < l->n; i++) {
		struct check_finding *f = &l->v[i];
		bool known = f->host == NULL;

		for (k = 0; k < a->facts.n && !known; k++)
			known = a->facts.hosts[k].facts.n > 0 &&
			    strcmp(f->host, a->facts.hosts[k].name) == 0;
		if (known && f->level > CHECK_NOTE) {
			l->v[n++] = *f;
			continue;
		}
		free(f->host);
		free(f->text);
		free(f->cure);
	}
	l->n = n;
}

static bool
plain_push(const struct unlock_opts *o)
{
	return o->action == UNLOCK_PUSH && o->way == UNLOCK_PIPE && !o->strict;
}

int
precheck(struct app *a, struct err *e)
{
	char no_key[] = "random";
	struct check_list l = { 0 };
	struct unlock_opts quiet = a->o;
	int status = 0;

	if (facts_init(&a->facts, &a->plan, e) == -1)
		return -1;
	quiet.hosts = asks_all(&a->o);
	quiet.silent = !quiet.hosts || a->o.action != UNLOCK_CHECK;
	quiet.action = UNLOCK_CHECK;
	/* A descriptor, a command or a person is asked for the key once. */
	quiet.key = no_key;
	status = app_run(a, &quiet, probe_start, NULL, e);
	if (status == -1)
		return -1;
	if (a->stopped != 0) {
		log_error("stopped while hosts were asked: nothing was "
		    "opened");
		return a->stopped;
	}
	/* Who can't be asked fails in the push itself. */
	if (a->o.action != UNLOCK_CHECK)
		status = 0;
	if (findings(a, &l, e) == -1) {
		status = -1;
	} else {
		if (plain_push(&a->o))
			drop_assumed(a, &l);
		if (!plain_push(&a->o) || !a->o.quiet)
			show_findings(&a->o, &l);
	}
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
