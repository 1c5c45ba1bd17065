/* SPDX-License-Identifier: ISC */
/*
 * show: a running backup or restore for whoever looks on: one live line on a
 * terminal (phase, per cent, bytes, rate, remaining time), nothing in between
 * elsewhere (cron), a summary in the end; or with --json an object an event.
 * -q: only what failed.
 */
#ifndef BACKUP_SHOW_H
#define BACKUP_SHOW_H

#include <stdbool.h>

#include "backup.h"
#include "proc/loop.h"
#include "reply.h"

struct show;

/* show_new(): o and j borrowed. Returns owned, or NULL ERR_MEM. */
struct show *show_new(struct loop *l, const struct backup_opts *o,
	const struct settings_job *j, struct err *e);
void show_free(struct show *s);			/* NULL is legal */

/* show_live(): whether anybody sees how far it is meanwhile: on a terminal,
 * or with --json but for -q, which leaves phases and the result of that. */
bool show_live(const struct show *s);
void show_answer(struct show *s, const struct reply *a);
void show_progress(struct show *s, const struct reply *p);
/* show_result(): the summary; on failure on stderr. s NULL: it failed before
 * there was anything to show. */
void show_result(struct show *s, const struct settings_job *j,
	const struct reply *r);

/* show_size(): "1.2 GiB" into out. */
void show_size(uint64_t bytes, char out[16]);

#endif
