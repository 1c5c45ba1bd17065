/* SPDX-License-Identifier: ISC */
/*
 * serve: the store's end of one connection. receive.c reads the request and
 * decides whether this client may have it; a serve_*() of its operation then
 * answers and goes on, until serve_result() or serve_refuse() has had the
 * last word.
 *
 *	serve_policy() → serve_loop() → serve_chan() → loop_run() → serve_end()
 */
#ifndef BACKUP_SERVE_H
#define BACKUP_SERVE_H

#include <stdbool.h>

#include "backup.h"
#include "proc/worker.h"
#include "reply.h"
#include "request.h"
#include "show.h"
#include "store.h"
#include "chan.h"
#include "xfer.h"

struct serve {
	struct loop *loop;
	struct backup_opts *o;
	struct settings_policy policy;
	const char *client_name;	/* borrowed */
	/* pull: the owner has started us, looks on, and has the client's
	 * settings; NULL: a client has. */
	struct show *show;
	struct settings_job *pull;
	struct chan *chan;		/* NULL: there is no postern there */
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
	/* An MSG_CHANGES came, or, as long as this is set, MSG_DATA or
	 * MSG_END. 0, or -1 with *e: the connection ends. NULL: changes can't
	 * come, the others are the transfer's. */
	int (*op_frame)(struct serve *s, char type, const char *data,
		size_t len, struct err *e);
	/* An MSG_KEY came; NULL: none can. */
	void (*op_key)(struct serve *s, const void *key);
	void (*op_free)(struct serve *s);
	/* The last word is out (e NULL), or nobody is there to hear one.
	 * NULL: the loop ends. */
	void (*on_end)(struct serve *s, const struct err *e);
};

/* serve_policy(): what holds for client name, into *s (zeroed but for o).
 * 0, or -1 as settings_accepted(). */
int serve_policy(struct serve *s, const char *name, struct err *e);
/* serve_loop(): the loop, its signals and the limit for the request. 0, or
 * -1: ERR_SYS, ERR_MEM. */
int serve_loop(struct serve *s, struct err *e);
/* serve_chan(): speak on in and out (taken). 0, or -1: ERR_SYS, ERR_MEM. */
int serve_chan(struct serve *s, int in, int out, struct err *e);
/* serve_store(): opens the store and the client's part of it. 0, or -1. */
int serve_store(struct serve *s, struct err *e);
/* serve_user(): the user that receives for this client, where the owner has
 * made one ([client NAME] user), into s->client. 0, or -1: ERR_CONFIG (there
 * is no such user, or it may not be that one; we are not root), ERR_SYS. */
int serve_user(struct serve *s, struct err *e);
/* serve_end(): releases everything. */
void serve_end(struct serve *s);

/* An operation: 0, or -1 with *e filled: refused with that. */
int serve_run(struct serve *s, struct err *e);
int serve_list(struct serve *s, struct err *e);
int serve_restore(struct serve *s, struct err *e);
int serve_cat(struct serve *s, struct err *e);
int serve_find(struct serve *s, struct err *e);
int serve_verify(struct serve *s, struct err *e);

/* serve_stderr(): stderr is sshd's, and so the client's to read or not: from
 * now on what finds no room in it is lost, and nothing waits. */
void serve_stderr(void);
/* serve_over(): nothing is left to say, or nobody to hear it (e). */
void serve_over(struct serve *s, const struct err *e);
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
