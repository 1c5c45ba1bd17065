/* SPDX-License-Identifier: ISC */
/*
 * state: how one client stands, and whether its owner should be told. What
 * `status` prints, its page and its metrics are all made of this.
 */
#ifndef BACKUP_STATE_H
#define BACKUP_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "history.h"
#include "settings.h"
#include "store.h"
#include "store_runs.h"

#define STATE_DAYS	371	/* of the calendar: 53 weeks */
#define STATE_QUOTA_PERCENT	90

enum {				/* what the owner is told of */
	STATE_SILENT = 1 << 0,	/* no good run for silent-days */
	STATE_FULL = 1 << 1,	/* near its quota, or over it */
	STATE_ROTTEN = 1 << 2,	/* its verify found something or failed */
	STATE_BROKEN = 1 << 3,	/* its records can't be read: .why */
};

/* A day of the calendar. EMPTY: before the first that is known, or today. */
enum state_day { STATE_DAY_EMPTY, STATE_DAY_MISSED, STATE_DAY_FAILED,
	STATE_DAY_RAN };

struct state {
	char name[STORE_NAME_MAX];
	enum store_backend backend;
	struct history history;	/* .why: after the next backup */
	uint64_t used, quota;	/* bytes; quota 0: none */
	bool left;		/* a run has left something unfinished */
	uint64_t left_bytes;	/* that it takes; not in used */
	bool busy;		/* a run goes on: nobody looks what it took */
	int64_t since_s;	/* when it was accepted, or first heard of */
	int64_t good_s;		/* the last backup; 0: none */
	int64_t silent_s;	/* since then, or since_s */
	int64_t silent_days;	/* the limit; 0: none */
	struct store_run last;	/* .op "": never ran */
	unsigned failures;	/* runs since the last good one */
	struct store_run verify;	/* .op "": never */
	bool verify_bad;
	unsigned alarms;	/* STATE_* */
	char why[ERR_MSG_MAX];	/* of STATE_BROKEN */
	enum state_day days[STATE_DAYS];	/* the last: of now_s, UTC */
};

void state_clear(struct state *s);	/* legal on a zeroed struct */

/*
 * state_make(): fill *s, whose history, since_s, backend and name are set,
 * from its runs and policy. Pure. 0, or -1 ERR_MEM.
 */
int state_make(struct state *s, const struct store_runs *runs,
	const struct settings_policy *p, int64_t now_s, struct err *e);

/*
 * state_read(): of client name of the store. Takes no lock. 0 with *ret filled
 * (state_clear()), or -1 ERR_MEM. One that can't be read is STATE_BROKEN.
 */
int state_read(const struct store *store, struct settings *conf,
	const char *name, struct state *ret, struct err *e);

/* state_next(): how many snapshots go after the next backup; *ret_oldest,
 * unless NULL: the first of them, borrowed, NULL when there is none. */
size_t state_next(const struct state *s,
	const struct history_snap **ret_oldest);

/* state_silent_days(): whole days without a backup. */
int64_t state_silent_days(const struct state *s);

/* state_alarms(): what is to be told, for a person: "silent for 4 days, at
 * 95 % of its quota"; "" when all is well. Not escaped. 0, or -1: out's cap is
 * reached. */
int state_alarms(const struct state *s, struct buf *out);
/* state_words(): the same, or "well"; and what is unfinished. */
int state_words(const struct state *s, struct buf *out);

#endif
