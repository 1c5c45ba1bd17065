/* SPDX-License-Identifier: ISC */
/*
 * restore: one pass of a restore: a connection to the store, our confined half
 * on it, and what rsync says meanwhile.
 */
#ifndef BACKUP_RESTORE_H
#define BACKUP_RESTORE_H

#include "backup.h"
#include "conn.h"
#include "lack.h"
#include "place.h"
#include "show.h"
#include "snapname.h"
#include "xfer.h"

enum restore_pass { RESTORE_COPY, RESTORE_COMPARE, RESTORE_DRY };

struct restore {
	struct loop *loop;
	struct backup_opts *o;
	struct settings_job *job;
	const char *client;		/* SIDE_STORE; else NULL */
	struct strv paths;
	/* What was asked for; once the store has said it, which that is. */
	char snapshot[SNAPNAME_MAX + 1];
	struct place place;
	enum restore_pass pass;
	struct conn *conn;
	struct xfer xfer;
	struct show *show;
	struct reply now;
	uint64_t begin_ms, said_ms, errors;
	bool done;			/* this pass */
	bool lost;			/* it failed; our rsync is to end */
	struct err err;			/* why it isn't */
	struct lack lack;
};

/*
 * restore_pass(): r: loop, o, job, paths, snapshot and show are set; the place
 * is opened in the first pass, for the caller to close. 0, or -1: ERR_REFUSED,
 * ERR_BUSY (the store's reason), ERR_PEER, ERR_TIMEOUT, and as place_open(),
 * conn_open() and sink_start().
 */
int restore_pass(struct restore *r, enum restore_pass pass, struct err *e);
/* restore_fail(): end the pass with e, unless it has an end already; first
 * rsync has FAILED_MS (half.c) to keep a file that came in part. */
void restore_fail(struct restore *r, const struct err *e);

#endif
