/* SPDX-License-Identifier: ISC */
/*
 * serve_run: what the parts of a backup's service share. serve_room.c makes
 * room; serve_run.c has the transfer done; serve_settle.c makes a snapshot of what
 * came, prunes, and writes down how it went.
 */
#ifndef BACKUP_SERVE_RUN_H
#define BACKUP_SERVE_RUN_H

#include <stdatomic.h>

#include "guard.h"
#include "serve.h"
#include "store_build.h"
#include "store_list.h"
#include "store_rec.h"
#include "unread.h"

struct run {
	struct store_build build;
	struct store_rec rec;
	struct reply now;		/* how far it is, and the figures */
	uint64_t begin_ms, said_ms;
	char snapshot[STORE_SNAP_MAX];
	char warning[256];
	bool finishing;			/* the snapshot is being made */
	struct serve_dial *dial;	/* NULL: the client's rsync comes here */
	bool complained;		/* our rsync, of what it could not do */
	struct err lost;		/* why the transfer was given up */
	struct guard *guard;
	uint64_t room, base;		/* bytes: guard.h */
	bool doubt;			/* the sender's sizes are not enough */
	bool discard;			/* .incoming is to go */
	struct loop_timer *tick;
	atomic_int step;		/* of the finish; set by its thread */
	atomic_ullong hashed;		/* bytes */
};

struct run *run_of(struct serve *s);

/* run_prepare(): a worker's: the client may come now, there is room, and
 * .incoming is there to be filled. 0, or -1: ERR_BUSY (too soon), and as
 * store_evict() and store_build_begin(). */
int run_prepare(void *arg, struct err *e);
/* run_min_free(): bytes that no run takes. */
uint64_t run_min_free(const struct serve *s);

/* run_refuse(): it failed: noted, and said to the client. */
void run_refuse(struct serve *s, const struct err *e);

/* run_note(): a line for the owner's `status`; e NULL: it went well. */
void run_note(struct serve *s, const struct err *e);

/* run_settle(): all is there: to be made a snapshot, by a worker. Has the
 * last word to the client. */
void run_settle(struct serve *s);

#endif
