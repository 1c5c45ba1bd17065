/* SPDX-License-Identifier: ISC */
/*
 * direct: the client's part of mode = direct: a one-time sshd (ssh/oneshot.h)
 * for the store, whose only session is postern-backup-gate.
 *
 *	direct_peers() → direct_new() → direct_request() → the store's answer →
 *	direct_open(), which gives it the key → on_end → direct_free()
 */
#ifndef BACKUP_DIRECT_H
#define BACKUP_DIRECT_H

#include "chan.h"
#include "request.h"
#include "settings.h"

#define DIRECT_RC "rc "		/* what the gate says in front of a status */

struct direct;

struct direct_calls {
	/* What the gate said to what the store wanted. Not escaped. */
	void (*on_line)(void *arg, const char *line);
	/* e NULL: the session is over. Else: nobody came (ERR_TIMEOUT). */
	void (*on_end)(void *arg, const struct err *e);
	void *arg;
};

/* direct_peers(): the addresses that the store comes from, appended; runs ssh
 * -G on a loop of its own, so there may be no other yet. 0, or -1: ERR_CONFIG
 * (the address is not known), ERR_TIMEOUT (its name isn't), ERR_SYS,
 * ERR_MEM. */
int direct_peers(const struct settings_job *j, struct strv *out,
	struct err *e);

/* direct_new(): makes the keys and finds a port; j filled, borrowed; peers
 * borrowed for the call. Returns owned, or NULL as oneshot_new(). */
struct direct *direct_new(struct loop *l, const struct settings_job *j,
	const struct strv *peers, const struct direct_calls *calls,
	struct err *e);
/* direct_free(): nothing listens or runs any more. The channel that the key
 * was sent on must be gone before. NULL is legal. */
void direct_free(struct direct *d);

/* direct_request(): what the store has to know, into q (strings owned by
 * q's owner). 0, or -1 ERR_MEM. */
int direct_request(const struct direct *d, struct request *q, struct err *e);
/* direct_rc(): the exit status of the rsync that read, by the gate's word;
 * -1: there is none, or it is not over. */
int direct_rc(const struct direct *d);
/* direct_late(): once that is UNREAD_VANISHED: the files that were the cause
 * into said (cap bytes), as late_name(); none: said stays as it is. */
void direct_late(const struct direct *d, char *said, size_t cap);
/* direct_open(): listens from now on, for j's connect-timeout, and sends the
 * key on c. 0, or -1: as source_files(), oneshot_open(), chan_send(). */
int direct_open(struct direct *d, struct chan *c, struct err *e);

#endif
