/* SPDX-License-Identifier: ISC */
/*
 * hook: the commands that backup.conf(5) names: before, after, on-failure.
 * sh -c COMMAND, with stdin from nowhere, our stderr for both streams, and
 *
 *	POSTERN_HOOK	before after on-failure
 *	POSTERN_JOB	the job's name; on the store the client's
 *	POSTERN_STATUS	0 1 2 75: what came of it, but for before
 *	POSTERN_SNAPSHOT	its name, when one was made
 *	POSTERN_WHY	what went wrong
 *
 * A failing `before` stops the run; the others' failures are told.
 */
#ifndef BACKUP_HOOK_H
#define BACKUP_HOOK_H

#include "proc/loop.h"
#include "reply.h"
#include "settings.h"

/* hook_run(): command NULL: nothing is done. result NULL: there is none yet.
 * 0, or -1: ERR_PEER (its exit status is not 0), ERR_SYS, ERR_MEM. */
int hook_run(const char *command, const char *name,
	const struct settings_job *j, const struct reply *result,
	struct err *e);

struct hook;

/*
 * hook_start(): the same on a loop that runs already. on_end is called once,
 * unless hook_free() comes first, which kills it and its group: e NULL: its
 * exit status was 0. command is not NULL and stays until then. Returns owned, or NULL.
 */
struct hook *hook_start(struct loop *l, const char *command,
	const char *name, const struct settings_job *j,
	const struct reply *result,
	void (*on_end)(void *arg, const struct err *e), void *arg,
	struct err *e);
void hook_free(struct hook *h);		/* NULL is legal */

#endif
