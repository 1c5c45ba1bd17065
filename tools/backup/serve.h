/* SPDX-License-Identifier: ISC */
/*
 * serve: the store's end of one connection. receive.c reads the request and
 * decides whether this client may have it; a serve_*() of its operation then
 * answers and goes on, until serve_result() or serve_refuse() has had the
 * last word.
 */
#ifndef BACKUP_SERVE_H
#define BACKUP_SERVE_H

#include <stdbool.h>

#include "backup.h"
#include "proc/worker.h"
#include "reply.h"
#include "request.h"
#include "store.h"
#include "chan.h"
#include "xfer.h"

struct serve {
	struct loop *loop;
	struct backup_opts *o;
	struct settings_policy policy;
	struct chan *chan;
	struct request req;
	struct store store;
	struct store_client client;
	bool store_open, client_open;
	bool asked, answered;		/* a request came; it goes on */
	bool over;			/* the last word was said */
	int status;			/* our exit status */
	struct worker *worker;
	struct xfer xfer;
	char *source_dir;		/* of the half that reads, or NULL */
	struct loop_timer *limit;	/* for the request, then for it all */
	void *op;			/* the operation's own */
	void (*on_room)(struct serve *s);	/* NULL: a transfer */
	/*
	 * The client is gone, or its time is up (e). Returns true when the
	 * operation has a last step under way, and goes on to its last word,
	 * which nobody hears. NULL: it ends at once.
	 */
	bool (*op_lost)(struct serve *s, const struct err *e);
	void (*op_free)(struct serve *s);
};

/* An operation: 0, or -1 with *e filled: refused with that. */
int serve_run(struct serve *s, struct err *e);
int serve_list(struct serve *s, struct err *e);
int serve_restore(struct serve *s, struct err *e);
int serve_cat(struct serve *s, struct err *e);
int serve_find(struct serve *s, struct err *e);
int serve_verify(struct serve *s, struct err *e);

/* serve_go_on(): the answer of status 0, with what r says. */
int serve_go_on(struct serve *s, struct reply *r, struct err *e);
/* serve_refuse(): the answer of a status that e makes, or e's result when it
 * was answered before. Hangs up. */
void serve_refuse(struct serve *s, const struct err *e);
/* serve_progress(): how far it is; lost when the channel is full. */
void serve_progress(struct serve *s, const struct reply *r);
/* serve_result(): the result; hangs up. */
void serve_result(struct serve *s, const struct reply *r);

#endif
