/* SPDX-License-Identifier: ISC */
/*
 * app: everything that one call of postern unlock knows, and the check that
 * comes before anything is opened.
 */
#ifndef POSTERN_APP_H
#define POSTERN_APP_H

#include "facts.h"
#include "plan.h"
#include "run.h"
#include "unlock.h"

struct app {
	struct unlock_opts o;
	struct cfg *cfgs;		/* [0]: the chosen one */
	size_t ncfgs;
	struct plan plan;
	struct facts facts;
	int stopped;			/* what app_run() returned when it was
					 * told to stop, else 0 */
};

/* app_run(): one way from start to end, on a loop of its own. o is a's, or a
 * copy with another mind. Returns an exit status, or -1 with *e. */
int app_run(struct app *a, const struct unlock_opts *o,
	int (*start)(struct run *r, struct err *e),
	void (*clear)(struct run *r), struct err *e);

/* precheck(): asks the hosts that matter, shows the findings. Returns 0 to
 * go on (after --check: nothing is wrong), an exit status, or -1 with *e. */
int precheck(struct app *a, struct err *e);

#endif
