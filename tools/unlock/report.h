/* SPDX-License-Identifier: ISC */
/*
 * report: what a person or a program reads while a run is on: a live line a
 * host on a terminal, otherwise a line an event, with --json an object an
 * event; and the exit status that follows from it all.
 */
#ifndef POSTERN_REPORT_H
#define POSTERN_REPORT_H

#include <stdint.h>

#include "plan.h"
#include "ui/progress.h"
#include "unlock.h"

struct report;

/* report_new(): o and p are borrowed for the report's life. Returns owned,
 * or NULL ERR_MEM. */
struct report *report_new(const struct unlock_opts *o, const struct plan *p,
	struct err *e);
void report_free(struct report *r);		/* NULL is legal */

/* report_state(): host (index in the plan) is now in state; detail may be
 * NULL. Text from a peer is escaped on its way out. */
void report_state(struct report *r, size_t host, enum progress_kind kind,
	const char *state, const char *detail);

/* report_line(): something said about a host while it goes on: what is
 * "conflict", "dirty", "action", "note", "differs", … PLAN_NOBODY: of the
 * whole run. */
void report_line(struct report *r, size_t host, const char *what,
	const char *text);

/* report_tick(): for a timer, ten times a second. */
void report_tick(struct report *r, uint64_t now_ms);

enum report_verdict {
	REPORT_OPEN,		/* no verdict: counts as failed at the end */
	REPORT_OK,
	REPORT_FAILED,
	REPORT_LATER,		/* busy, unreachable or out of time */
	REPORT_NOTHING,		/* took no part: doesn't count */
};

/* report_verdict(): the last call for a host counts, but nothing turns a
 * failure into success. */
void report_verdict(struct report *r, size_t host, enum report_verdict v);

/* report_verdict_of(): as it stands. */
enum report_verdict report_verdict_of(const struct report *r, size_t host);

/* report_end(): the summary; returns the exit status: 0 all, 2 some, 1
 * none, 75 none and each may be tried again. */
int report_end(struct report *r);

#endif
