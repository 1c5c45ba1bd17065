/* SPDX-License-Identifier: ISC */
/* chan_priv: what chan.c (a connection's life, and what comes on it) and
 * chan_send.c (what goes) share. */
#ifndef BACKUP_CHAN_PRIV_H
#define BACKUP_CHAN_PRIV_H

#include "chan.h"
#include "proc/queue.h"

struct chan {
	struct loop *loop;
	struct chan_ops ops;
	void *arg;
	int in, out;			/* -1: closed */
	int mid[2];			/* a pipe within the queue; -1: none */
	struct loop_fd *in_watch, *out_watch;
	struct loop_timer *beat, *silence;
	uint64_t beat_ms;
	struct msg_in msg;
	struct queue queue;
	bool paused, closing;
	bool full;			/* somebody waits for on_room() */
	bool ended;			/* on_end() was called */
	void (*closed)(void *arg);
	void *closed_arg;
	unsigned busy;			/* frames of ours on the stack */
	bool dead;			/* freed while busy */
	bool had_key;			/* what was read has a secret in it */
};

/* chan_shut(): nobody reads any more; what is queued is lost. */
void chan_shut(struct chan *w);

#endif
