/* SPDX-License-Identifier: ISC */
/*
 * store_runs: what happened to a client, one line a run, at the end of the
 * text file STORE/.postern/NAME/runs, which loses its oldest when there are
 * too many:
 *
 *	TIME OP STATE SNAPSHOT FILES BYTES SECONDS MESSAGE
 *
 * TIME is Unix time; OP and STATE are words of [a-z-]; SNAPSHOT and MESSAGE
 * are escaped as in store_text.h, "-" when there is none (a MESSAGE that is
 * "-" is "\055"). Lines that are none of ours, and a last one without its
 * end, which a crash or a full disk leaves, are passed over and counted.
 * What `status` shows is computed from these; both parts are pure.
 */
#ifndef POSTERN_STORE_RUNS_H
#define POSTERN_STORE_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "store_list.h"

#define STORE_RUNS_WORD		16	/* bytes of OP and STATE, with NUL */
#define STORE_RUNS_MSG		400	/* bytes of a message, with the NUL */
#define STORE_RUNS_LINE		2048	/* bytes of a line, at most */
#define STORE_RUNS_MAX		20000	/* lines that are read back … */
#define STORE_RUNS_BYTES	((size_t)4 << 20)	/* … and bytes */
/* What stays of a file that has come to have more than those: a year of runs
 * each half an hour fits in. */
#define STORE_RUNS_KEEP		18000
#define STORE_RUNS_KEEP_BYTES	((size_t)3 << 20)

/* The states that mean something here; others may come to be. */
#define STORE_RUNS_OK		"ok"
#define STORE_RUNS_WARN		"warn"	/* done, but files vanished */
#define STORE_RUNS_FAILED	"failed"

struct store_run {
	int64_t time_s;			/* when it ended */
	char op[STORE_RUNS_WORD];	/* run, restore, prune, verify … */
	char state[STORE_RUNS_WORD];
	char snapshot[STORE_SNAP_MAX];	/* "" none */
	uint64_t files, bytes, seconds;
	char message[STORE_RUNS_MSG];	/* "" none; a longer one is cut */
};

/* store_runs_emit(): append the line of r to out. 0, or -1: ERR_CONFIG (op or
 * state is no word), ERR_MEM; then nothing was appended. */
int store_runs_emit(const struct store_run *r, struct buf *out,
	struct err *e);

/* store_runs_line(): the line of len bytes (without its newline). 0, or -1:
 * none of ours. */
int store_runs_line(const char *line, size_t len, struct store_run *ret);

struct store_runs {
	struct store_run *v;	/* owned; in the order of the file */
	size_t n;
	size_t bad;		/* lines that were passed over */
};

/* store_runs_parse(): the last STORE_RUNS_MAX lines of text. 0 with *ret
 * filled (store_runs_clear()), or -1 ERR_MEM. */
int store_runs_parse(const char *text, size_t len, struct store_runs *ret,
	struct err *e);
void store_runs_clear(struct store_runs *r);

/* store_runs_good(): whether r made a snapshot. */
bool store_runs_good(const struct store_run *r);

/* store_runs_many(): whether text is more than is read back. Pure.
 * store_runs_trim(): append to out what stays of it then: the newest lines,
 * and before them, of those that go, the last verify and the last good run, so
 * that no flood of failed ones hides these. Pure. 0, or -1 ERR_MEM. */
bool store_runs_many(const char *text, size_t len);
int store_runs_trim(const char *text, size_t len, struct buf *out,
	struct err *e);

/* What `status` tells of a client. Runs: those whose op is "run". */
struct store_runs_state {
	const struct store_run *last;	/* borrowed; NULL: never ran */
	const struct store_run *good;	/* the last that made a snapshot */
	const struct store_run *verify;	/* the last verify */
	unsigned failures;		/* runs in a row since the good one */
	int64_t silent_s;		/* since the good one; -1: never */
	bool verify_bad;		/* it found something, or failed */
};

/* store_runs_state(): as of now_s. Runs of the future (the clock was set
 * back) count as of now. */
void store_runs_state(const struct store_runs *r, int64_t now_s,
	struct store_runs_state *ret);

enum store_runs_day { STORE_DAY_NONE, STORE_DAY_FAILED, STORE_DAY_OK };

/*
 * store_runs_calendar(): for each of n days, the last one ending with the day
 * of now_s (UTC): whether a backup was made, only failed, or none ran. days[0]
 * is the earliest.
 */
void store_runs_calendar(const struct store_runs *r, int64_t now_s,
	enum store_runs_day *days, size_t n);

/*
 * store_runs_add(): a line to the client's file (one write, fsync; a torn one
 * before it is ended first), which is then replaced, as a whole, by what stays
 * of it if it has grown too long. Under a lock of its own, runs.lock, that is
 * waited for. 0, or -1 ERR_SYS, ERR_UNSAFE, ERR_MEM, ERR_CONFIG, ERR_BUSY; when
 * it is the replacing that failed the line is there, and the message says so.
 * store_runs_read(): the last STORE_RUNS_BYTES of it; no lock is needed. 0, or
 * -1 as store_runs_add().
 */
int store_runs_add(const struct store_client *c, const struct store_run *r,
	struct err *e);
int store_runs_read(const struct store_client *c, struct store_runs *ret,
	struct err *e);

#endif
