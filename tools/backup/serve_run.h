/* SPDX-License-Identifier: ISC */
/*
 * serve_run: what the parts of a backup's service share. serve_jobs.c counts
 * the client's jobs and serve_room.c makes room; serve_transfer.c has rsync
 * fill .incoming; serve_lost.c gives up; serve_settle.c makes a snapshot of
 * what came and prunes; serve_hook.c runs the store's commands around all that,
 * and writes down how it went. serve_run.c takes these steps.
 */
#ifndef BACKUP_SERVE_RUN_H
#define BACKUP_SERVE_RUN_H

#include <stdatomic.h>

#include "changes.h"
#include "guard.h"
#include "serve.h"
#include "store_build.h"
#include "store_list.h"
#include "store_rec.h"
#include "unread.h"
#include "version.h"

struct run {
	struct store_build build;
	struct store_rec rec;
	struct reply now;		/* how far it is, and the figures */
	uint64_t begin_ms, said_ms;
	char snapshot[STORE_SNAP_MAX];
	char warning[256];
	char removed[160];		/* old snapshots, for the owner */
	bool finishing;			/* the snapshot is being made */
	struct serve_dial *dial;	/* NULL: the client's rsync comes here */
	bool complained;		/* our rsync, of what it could not do */
	uint64_t unverified;		/* files that came otherwise than they
					 * were read, twice */
	struct strv torn;		/* their names, if in place: what lies
					 * there is neither the old nor the
					 * new one */
	struct err lost;		/* why the transfer was given up */
	struct version rsync;		/* ours, where that matters */
	bool asking, prepared;		/* it was not told yet; .incoming is
					 * there */
	struct hook *hook;		/* the store's command that runs now */
	void (*go_on)(struct serve *s);	/* after `before` */
	bool hooked;			/* `before` has had its turn */
	bool ending;			/* noted; what is left is said next */
	int end_step;
	struct err why;			/* how it ended; ERR_NONE: well */
	/* What the client tells of changes (build.listed). */
	struct buf text;		/* of which .changes is */
	struct changes changes;
	struct changes_sums sums;	/* of what it has in all */
	bool told;			/* all of them came */
	bool applying;			/* a worker is at them: it looks at
					 * .lost when it is over */
	bool filling;			/* after rsync */
	atomic_bool stop;		/* the worker is to give up */
	struct buf early;		/* frames of its rsync, until ours has
					 * begun */
	struct guard *guard;
	uint64_t room, room_inodes;	/* guard.h */
	struct store_weight base;	/* likewise */
	uint64_t prev_bytes, prev_files;	/* recorded of build.prev */
	bool doubt;			/* the sender's sizes are not enough */
	bool discard;			/* .incoming is to go */
	struct loop_timer *tick;
	atomic_int step;		/* of the finish; set by its thread */
	atomic_ullong hashed;		/* bytes */
};

struct run *run_of(struct serve *s);

/* run_phase(): what goes on now, for the client and the owner. */
void run_phase(struct serve *s, const char *name);

/* run_admit(): a worker's: whether the client may come now, whose lock it
 * takes. 0, or -1: ERR_BUSY (too soon, or another run goes on), or as
 * run_jobs(). */
int run_admit(void *arg, struct err *e);
/* run_jobs(): whether the job that was asked for is one that the client has
 * backups of, or may have beside them (max-jobs). 0, or -1: ERR_REFUSED,
 * ERR_SYS, ERR_MEM. */
int run_jobs(const struct serve *s, struct err *e);
/* run_prepare(): a worker's: there is room, and .incoming is there to be
 * filled. 0, or -1 as store_evict() and store_build_begin(). */
int run_prepare(void *arg, struct err *e);
/* run_trim(): the part of it that a listed build (run_listed()) needs only when
 * it is walked after all. 0, or -1 as store_trim(). */
int run_trim(struct serve *s, struct err *e);
/* run_listed(): a worker's: whether what the client could tell of changes is of
 * use: if not, build.listed is false. 0, or -1 as store_build_begin(). */
int run_listed(struct serve *s, struct err *e);
/* run_changes(): serve.h's op_frame, until rsync begins. */
int run_changes(struct serve *s, char type, const char *data, size_t len,
	struct err *e);
/* run_received(): rsync has brought all, or had nothing to bring. run_fill():
 * then, of a listed build: what did not change. run_taken(): all is there:
 * what it took, and run_settle(). */
void run_received(struct serve *s);
void run_fill(struct serve *s);
void run_taken(struct serve *s);
/* run_removed(): note for the owner what went, and why: "for space". */
void run_removed(struct run *r, const char *why, const struct strv *removed);
/* run_doubt(): guard_doubt() of what is in r->rec; else its inodes are set. */
bool run_doubt(struct run *r);
/* run_min_free(): bytes that no run takes. */
uint64_t run_min_free(const struct serve *s);

/* run_join(): our rsync, whose other one is at the end of the channel. 0, or
 * -1 as sink_start(). run_dial(): we go to a host without postern; run_key():
 * with the key that a client's one-time sshd takes (op_key). Both refuse what
 * can't be. */
int run_join(struct serve *s, struct err *e);
void run_dial(struct serve *s);
void run_key(struct serve *s, const void *key);

/* run_lost(): serve.h's op_lost. run_full(): guard.h's. run_give_up(): rsync
 * is over after one of them: .lost is refused, .incoming goes if .discard. */
bool run_lost(struct serve *s, const struct err *e);
void run_full(void *arg, const struct err *e);
void run_give_up(struct serve *s);

/* run_before(): the store's command before a run, if any, then go_on(s). */
void run_before(struct serve *s, void (*go_on)(struct serve *s));
/* run_before_stop(): kills it. true: it was running, and nothing else is. */
bool run_before_stop(struct serve *s);
/* run_refuse(), run_done(): it failed (e, copied), or went well: noted for the
 * owner's `status`, the store's commands for that run, the client is told.
 * What comes after the first of them counts no more. */
void run_refuse(struct serve *s, const struct err *e);
void run_done(struct serve *s);
/* run_settle(): all is there: to be made a snapshot, by a worker. Has the
 * last word to the client. */
void run_settle(struct serve *s);

#endif
