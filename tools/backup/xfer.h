/* SPDX-License-Identifier: ISC */
/*
 * xfer: one transfer: our half of it (half.h) joined to the other one by
 * frames on a channel (chan.h). Bytes go as MSG_DATA; whoever's rsync is over says
 * so by MSG_END with its exit status, and the transfer is over once both have.
 * The half that reads says before it, by MSG_LEFT in the form of reply.h, which
 * files vanished or changed meanwhile, if any did.
 * Back pressure goes both ways; nothing is judged here.
 *
 *	xfer_init → half_*_start with xfer_calls() → xfer.half = it →
 *	xfer_frame() for each MSG_DATA and MSG_END, xfer_room() from the
 *	channel's on_room → on_over once → xfer_clear()
 */
#ifndef BACKUP_XFER_H
#define BACKUP_XFER_H

#include <stdbool.h>

#include "half.h"
#include "reply.h"
#include "chan.h"

struct xfer;

#define XFER_SAID 1024

struct xfer_calls {
	/* As half_calls.on_line. May be NULL. */
	void (*on_line)(void *arg, enum child_stream s, const char *line,
		size_t len, bool cut);
	/* Both are over; x->rc, x->peer_rc, x->said tell how. */
	void (*on_over)(void *arg);
	/* Our rsync's status, before the other end is told. true: xfer_told()
	 * says what it is to hear, later. May be NULL: it hears rc. */
	bool (*on_rc)(void *arg, int rc);
};

struct xfer {
	struct chan *chan;		/* borrowed */
	struct half *half;		/* owned */
	struct xfer_calls calls;
	void *arg;
	bool over, peer_over;
	int rc, peer_rc;		/* exit statuses of the two rsyncs */
	/* vanished, changed, why: what our rsync that reads had not as it was,
	 * to be set before the other end is told its status; and what the
	 * other end told of its own. */
	struct reply left, peer_left;
	char said[XFER_SAID];		/* our rsync's last words, escaped,
					 * or why it was ended */
};

/* xfer_init(): w and arg are borrowed for the transfer's life, which begins
 * when its half has been started. */
void xfer_init(struct xfer *x, struct chan *w, const struct xfer_calls *calls,
	void *arg);
/* xfer_clear(): ends our half. */
void xfer_clear(struct xfer *x);
/* xfer_calls(): what our half is to be started with. */
struct half_calls xfer_calls(struct xfer *x);

/* xfer_frame(): 0, or -1: ERR_PEER (data or an end that can't come now),
 * ERR_MEM. */
int xfer_frame(struct xfer *x, char type, const char *data, size_t len,
	struct err *e);
void xfer_room(struct xfer *x);
/* xfer_told(): the status for both ends, after an on_rc of true. on_over may
 * come in this call. */
void xfer_told(struct xfer *x, int rc);
/* xfer_lost(): the other end is gone, or it has to end. Our rsync sees the end
 * of its stream and puts what it has of a file where the next one finds it;
 * on_over comes, in this call or later. */
void xfer_lost(struct xfer *x);

#endif
