/* SPDX-License-Identifier: ISC */
/* run: one job of `postern backup run`; runs.c goes through them. */
#ifndef BACKUP_RUN_H
#define BACKUP_RUN_H

#include "backup.h"

/* run_job(): ask for a backup of j, with its hooks, and say what came of it.
 * Returns the exit status. *ret_interrupted: a signal ended it. */
int run_job(struct backup_opts *o, struct settings_job *j,
	bool *ret_interrupted);

/* run_explain(): --dry-run: what the store would be asked for and may read.
 * 0, or -1: as rules_explain(), ERR_SYS. */
int run_explain(const struct settings_job *j, struct err *e);

#endif
