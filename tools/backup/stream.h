/* SPDX-License-Identifier: ISC */
/*
 * stream: rows that a worker makes, sent as MSG_DATA. It holds one frame; a
 * worker that is faster than the channel waits, so a client that doesn't read
 * costs no more than that. Frames have whole rows only.
 *
 *	stream_new → worker_start(… stream_put() …) → at its end
 *	stream_over() → done(), when all is sent → stream_free
 */
#ifndef BACKUP_STREAM_H
#define BACKUP_STREAM_H

#include "chan.h"

struct stream;

/* stream_new(): chan borrowed. Returns owned, or NULL: ERR_SYS, ERR_MEM. */
struct stream *stream_new(struct loop *l, struct chan *chan, struct err *e);
void stream_free(struct stream *s);	/* the worker is over; NULL is legal */

/* In the worker's thread. */
/* stream_put(): a row of at most MSG_MAX bytes. 0, or -1: ERR_REFUSED (after
 * stream_stop()), ERR_MEM. */
int stream_put(struct stream *s, const void *row, size_t len, struct err *e);

/* On the loop. */
/* stream_room(): the channel has room again. */
void stream_room(struct stream *s);
/* stream_stop(): stream_put() fails from now on, waits no more, and nothing
 * more is sent. */
void stream_stop(struct stream *s);
/* stream_over(): there will be no more rows; done is called once they are
 * sent, at once when there is nothing left. */
void stream_over(struct stream *s, void (*done)(void *arg), void *arg);

#endif
