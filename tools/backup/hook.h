/* SPDX-License-Identifier: ISC */
/*
 * hook: the commands that backup.conf(5) names: before, after, on-failure.
 * sh -c COMMAND, with stdin from nowhere and
 *
 *	POSTERN_HOOK	before after on-failure
 *	POSTERN_JOB	the job's name; on the store the client's
 *	POSTERN_STATUS	0 1 2 75: what came of it, but for before
 *	POSTERN_SNAPSHOT	its name, when one was made
 *	POSTERN_WHY	what went wrong
 *
 * A failing `before` stops the run; the others' failures are told. One that
 * takes too long is ended (SIGTERM, two seconds later SIGKILL) with all that
 * is of its process group.
 */
#ifndef BACKUP_HOOK_H
#define BACKUP_HOOK_H

#include "proc/loop.h"
#include "reply.h"
#include "settings.h"

struct hook_spec {
	const char *command;	/* borrowed until it has ended; NULL, "": none */
	const char *name;	/* static: "before" … */
	const char *job;	/* for the call; POSTERN_JOB */
	const struct reply *result;	/* for the call; NULL: there is none */
	uint64_t limit_ms;	/* 0: none */
	const char *limit_key;	/* static; the key that sets it */
};

/*
 * hook_run(): in a loop of its own, on the owner's machine: both its outputs
 * are our stderr. With a terminal it shares our process group, so that it may
 * ask there and an interrupt is for both; then a limit ends the command alone.
 * A SIGTERM, SIGHUP or SIGINT that ends us ends the command first; hook_run()
 * does not return then. No command: 0, nothing is done.
 * 0, or -1: ERR_PEER (its exit status is not 0), ERR_TIMEOUT (limit_ms),
 * ERR_SYS, ERR_MEM.
 */
int hook_run(const struct hook_spec *spec, struct err *e);

struct hook;

/*
 * hook_start(): on a loop that runs already, the store's: what it says is read
 * here and told in the end (hook_out.h). on_end is called once, unless
 * hook_free() comes first, which kills it and its group: e NULL: its exit
 * status was 0. There is a command. Returns owned, or NULL.
 */
struct hook *hook_start(struct loop *l, const struct hook_spec *spec,
	void (*on_end)(void *arg, const struct err *e), void *arg,
	struct err *e);
void hook_free(struct hook *h);		/* NULL is legal */

#endif
