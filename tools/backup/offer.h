/* SPDX-License-Identifier: ISC */
/*
 * offer: what a client has its store read, in mode = channel: all of the
 * roots, or, where the last run's list is of use (scanner.h) and the store
 * goes by it, what has changed since, which it is told first (changes.h).
 *
 *	offer_new → offer_since for the request → offer_begin →
 *	the answer: offer_answer → offer_frame, offer_room … →
 *	the result: offer_keep → on_kept → offer_free
 */
#ifndef BACKUP_OFFER_H
#define BACKUP_OFFER_H

#include "reader.h"
#include "reply.h"
#include "scanner.h"

struct offer_calls {
	void (*on_fail)(void *arg, const struct err *e);	/* give up */
	void (*on_kept)(void *arg);	/* after offer_keep() */
	void *arg;
};

struct offer {
	struct loop *loop;
	const struct settings_job *job;
	struct offer_calls calls;
	struct chan *chan;		/* from offer_answer() on; borrowed */
	struct scanner *scanner;
	struct reader reader;
	const struct reply *result;	/* borrowed, from offer_keep() on */
	bool listed;			/* the store goes by the list */
	bool telling;			/* it is being told */
	size_t told;			/* bytes of it */
	bool over;			/* all was read, or there was nothing */
};

/* offer_new(): j is borrowed. full: all of the roots, whatever is known.
 * Returns owned, or NULL ERR_MEM. */
struct offer *offer_new(struct loop *l, const struct settings_job *j,
	bool full, const struct offer_calls *calls, struct err *e);
void offer_free(struct offer *o);	/* NULL is legal; before loop_free() */

/* offer_since(): for the request; NULL: nothing is known. Borrowed. */
const char *offer_since(const struct offer *o);
/* offer_begin(): begin to look. Not before other children were waited for. */
void offer_begin(struct offer *o);
/* offer_answer(): the store goes on; since: by what is told to it. 0, or -1 as
 * reader_start(), ERR_PEER. */
int offer_answer(struct offer *o, struct chan *c, bool since, struct err *e);
/* offer_frame(): a MSG_DATA or MSG_END. 0, or -1 as reader_frame(). */
int offer_frame(struct offer *o, char type, const char *data, size_t len,
	struct err *e);
void offer_room(struct offer *o);
/* offer_keep(): the result, borrowed: what was seen is kept for the next run
 * if that made a snapshot. on_kept comes in this call or later. */
void offer_keep(struct offer *o, const struct reply *result);

#endif
