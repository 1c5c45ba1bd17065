/* SPDX-License-Identifier: ISC */
#include "run_around.h"

#include <time.h>

#include "hook.h"
#include "metrics.h"

int
run_command(const struct settings_job *j, const char *name, const char *what,
    const struct reply *result, struct err *e)
{
	struct hook_spec spec = { .command = what, .name = name,
		.job = j->section, .result = result,
		.limit_key = SETTINGS_COMMAND_KEY };

	if (j->command_timeout > 0)
		spec.limit_ms = (uint64_t)j->command_timeout;
	if (result == NULL && j->timeout > 0 && (spec.limit_ms == 0 ||
	    (uint64_t)j->timeout < spec.limit_ms)) {
		spec.limit_ms = (uint64_t)j->timeout;
		spec.limit_key = "timeout";
	}
	return hook_run(&spec, e);
}

int
run_metrics(const struct settings_job *j, const struct reply *result,
    int status, uint64_t seconds, struct err *e)
{
	struct metrics m = { .run_s = (uint64_t)time(NULL),
		.status = (uint64_t)status, .seconds = seconds };

	if (j->textfile == NULL)
		return 0;
	/* There is a snapshot, whatever `after` made of it. */
	if (result != NULL && result->status == 0) {
		m.good_s = m.run_s;
		m.files = result->files;
		m.bytes = result->bytes;
		m.added = result->added;
		m.vanished = result->vanished;
		m.changed = result->changed;
	}
	return metrics_write(j->textfile, j->section, &m, e);
}
