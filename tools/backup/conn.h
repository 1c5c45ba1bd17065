/* SPDX-License-Identifier: ISC */
/*
 * conn: the machine that is backed up asks its store for something: one ssh
 * with the job's own key and known_hosts, one request on it, and what the
 * store says to that. The command that ssh is given is the operation's name;
 * what runs there is the forced command of the key (or the login shell).
 *
 *	conn_open → on_answer (status 0: it goes on) → on_frame … →
 *	on_end once → conn_free
 */
#ifndef BACKUP_CONN_H
#define BACKUP_CONN_H

#include "reply.h"
#include "request.h"
#include "settings.h"
#include "chan.h"

struct conn;

struct conn_calls {
	/* A status other than 0 is the store's last word: why is in it. */
	void (*on_answer)(void *arg, const struct reply *answer);
	/* MSG_DATA, MSG_END, MSG_PROGRESS and MSG_RESULT after an answer of
	 * status 0. 0, or -1 with *e filled, which ends the connection. */
	int (*on_frame)(void *arg, char type, const char *data, size_t len,
		struct err *e);
	void (*on_room)(void *arg);	/* as chan_ops; may be NULL */
	/*
	 * ssh has ended (or stdin has). e: why, complete for a person: ERR_PEER (what ssh or
	 * the store said), ERR_TIMEOUT (unreachable, silent: try again), or
	 * on_frame's. It is filled also when all was said before: whoever
	 * has a result ignores it.
	 */
	void (*on_end)(void *arg, const struct err *e);
};

/* conn_open(): j filled; request is borrowed for the call. Returns owned, or
 * NULL: ERR_CONFIG, ERR_SYS, ERR_MEM. */
struct conn *conn_open(struct loop *l, const struct settings_job *j,
	const struct request *request, const struct conn_calls *calls,
	void *arg, struct err *e);
/* conn_stdio(): the same where the store has started us (pull): on stdin and
 * stdout, which are /dev/null afterwards. */
struct conn *conn_stdio(struct loop *l, const struct settings_job *j,
	const struct request *request, const struct conn_calls *calls,
	void *arg, struct err *e);
/*
 * conn_local(): the same with a store on this machine, as its owner: another
 * of this program in ssh's place, which may restore and nothing else. store:
 * its folder, borrowed for the connection's life; client: whose snapshots.
 */
struct conn *conn_local(struct loop *l, const char *store, const char *client,
	const struct request *request, const struct conn_calls *calls,
	void *arg, struct err *e);
/* conn_free(): hangs up. NULL is legal; from a callback, too. */
void conn_free(struct conn *c);

/* conn_chan(): borrowed. */
struct chan *conn_chan(struct conn *c);
/* conn_close(): nothing more to say; on_end comes when the store has hung up. */
void conn_close(struct conn *c);

#endif
