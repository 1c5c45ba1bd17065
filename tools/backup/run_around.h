/* SPDX-License-Identifier: ISC */
/* run_around: what a job has around its backup: commands, and metrics. */
#ifndef BACKUP_RUN_AROUND_H
#define BACKUP_RUN_AROUND_H

#include <stdint.h>

#include "reply.h"
#include "settings.h"

/* run_command(): a command of the job's, of the key name; none (NULL) is 0.
 * result: NULL before the run: `before` is part of its time. 0, or -1 as
 * hook_run(). */
int run_command(const struct settings_job *j, const char *name,
	const char *what, const struct reply *result, struct err *e);

/* run_metrics(): for Prometheus, once the hooks had their turn. status: the
 * exit status; result: NULL: there is none; seconds: it took. 0, or -1 as
 * metrics_write(). */
int run_metrics(const struct settings_job *j, const struct reply *result,
	int status, uint64_t seconds, struct err *e);

#endif
