/* SPDX-License-Identifier: ISC */
/*
 * reader: the client's half of a backup, in mode = channel: the confined
 * rsync that reads, joined to the channel (xfer.h); the store's words to it,
 * which are looked at until they are known to ask for the backup alone
 * (handshake.h); and what is to be told of files that it could not open
 * (unread.h).
 *
 *	a zeroed struct → reader_start → reader_frame, reader_room … →
 *	xfer.over → reader_clear
 */
#ifndef BACKUP_READER_H
#define BACKUP_READER_H

#include "handshake.h"
#include "proc/child.h"
#include "settings.h"
#include "unread.h"
#include "xfer.h"

struct reader_spec {
	const struct settings_job *job;
	const char *list;	/* source.h's: what is sent; NULL: all */
	const char *own;	/* likewise: what never is; NULL: nothing */
	void (*on_over)(void *arg);	/* both rsyncs are over */
	void *arg;
};

struct reader {
	struct xfer xfer;
	struct loop *loop;
	struct reader_spec spec;
	struct handshake handshake;
	struct strv paths;		/* that the store may ask for */
	struct unread unread;
	struct child *look;		/* at what could not be opened */
	char *dir;			/* of the half's files */
};

/* reader_start(): all is borrowed for the reader's life. 0, or -1: as
 * source_start(). */
int reader_start(struct reader *r, struct loop *l, struct chan *c,
	const struct reader_spec *spec, struct err *e);
/* reader_clear(): legal on a zeroed struct; before loop_free(). */
void reader_clear(struct reader *r);

/* reader_frame(): a MSG_DATA or MSG_END of the store. 0, or -1: as
 * xfer_frame(), handshake_feed(). */
int reader_frame(struct reader *r, char type, const char *data, size_t len,
	struct err *e);
void reader_room(struct reader *r);

#endif
