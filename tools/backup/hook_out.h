/* SPDX-License-Identifier: ISC */
/*
 * hook_out: what a command of the store's owner says. The loop reads it, so
 * that nobody else's reading or hanging up is felt by the command; the last
 * HOOK_OUT_LINES lines are kept, cut to HOOK_OUT_LINE, and told once it has
 * ended: to the system's log (syslog(3), daemon, "postern-backup") and on
 * stderr, which may lead to the client and is never waited for there
 * (receive.c).
 */
#ifndef BACKUP_HOOK_OUT_H
#define BACKUP_HOOK_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define HOOK_OUT_LINES	20
#define HOOK_OUT_LINE	240	/* bytes, with the NUL */

struct hook_out {
	char line[HOOK_OUT_LINES][HOOK_OUT_LINE];	/* line i: i modulo */
	uint64_t n;		/* lines that came, kept or not */
};

/* hook_out_add(): a line of len bytes, without its newline; kept up to its
 * first NUL. *o zeroed at first. */
void hook_out_add(struct hook_out *o, const char *line, size_t len);
/* hook_out_left(): the lines that were not kept; those that were are
 * hook_out_left() to n - 1. hook_out_get(): one of them, borrowed. */
uint64_t hook_out_left(const struct hook_out *o);
const char *hook_out_get(const struct hook_out *o, uint64_t i);

/* hook_out_tell(): all of it, each line with name ("after") and job in front,
 * then why the command failed (NULL: it did not; that one is not told on
 * stderr, whoever started it does). Nothing is left in *o. */
void hook_out_tell(struct hook_out *o, const char *name, const char *job,
	const struct err *why);

#endif
