/* SPDX-License-Identifier: ISC */
/*
 * show: a plan or findings, as text for a person or as JSON. Prints to
 * stdout; the only other writers are report and ui/log.
 */
#ifndef POSTERN_SHOW_H
#define POSTERN_SHOW_H

#include "check.h"
#include "plan.h"
#include "unlock.h"

/* show_plan(): --dry-run. 0, or -1 ERR_MEM. */
int show_plan(const struct unlock_opts *o, const struct cfg *c,
	const struct plan *p, struct err *e);

/* show_findings(): a line each, with its cure. least: what is shown. */
void show_findings(const struct unlock_opts *o, const struct check_list *l);

#endif
