/* SPDX-License-Identifier: ISC */
/*
 * owner: the store as its owner's commands need it: open, and each of the
 * clients that were asked for (operands, --client; none: all) in turn.
 */
#ifndef BACKUP_OWNER_H
#define BACKUP_OWNER_H

#include "backup.h"
#include "store.h"

struct owner {
	struct backup_opts *o;		/* borrowed */
	void *arg;			/* the command's own */
	struct store store;
	struct store_client client;	/* the one that is looked at */
	struct settings_policy policy;	/* of that */
	bool is_open, client_open;
};

/* owner_open(): the store. 0, or -1 as store_open(). w->o is set. */
int owner_open(struct owner *w, struct err *e);
/* owner_close(): legal after a failing owner_open(). */
void owner_close(struct owner *w);

/* owner_client(): w->client and w->policy are those of name from now on. 0,
 * or -1 as store_client_open(), settings_accepted(). */
int owner_client(struct owner *w, const char *name, struct err *e);

/* owner_snapshot(): the client that a snapshot is of. 0, or -1: as
 * owner_client(), ERR_USAGE (no snapshot's name). Whether there is such a
 * snapshot was not looked at. */
int owner_snapshot(struct owner *w, const char *snapshot, struct err *e);

/* owner_names(): append the clients that were asked for. 0, or -1: ERR_SYS,
 * ERR_MEM. */
int owner_names(struct owner *w, struct strv *names, struct err *e);

/*
 * owner_each(): fn for each of them: 0, another exit status, or -1 with *e
 * filled. What failed for one client is told and the others follow; so:
 * 0; the status when there was but one client or one status; otherwise 2;
 * -1: no client could be found.
 */
int owner_each(struct owner *w, int (*fn)(void *w, struct store_client *c,
	struct err *e), struct err *e);

#endif
