/* SPDX-License-Identifier: ISC */
/*
 * pipe: the two halves of the default push, that see nothing of each other
 * but this. pipe.c talks to the pusher and judges; receiver.c holds the
 * receivers' sessions and joins csync2's connections to them.
 */
#ifndef POSTERN_PIPE_H
#define POSTERN_PIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "proc/listen.h"
#include "proc/relay.h"
#include "pusher.h"
#include "run.h"

/*
 * One receiver. Its session and its job on the pusher end on their own, in
 * either order; pipe_judge() decides once both have.
 */
struct pipe_host {
	struct listen *listen;
	uint16_t port;			/* where the pusher connects to */
	struct relay *relay;		/* NULL until csync2 connected */
	struct loop_timer *deadline;	/* for the job and what follows */
	bool job, job_over, session_over;
	bool done;			/* csync2 there, and its actions */
	bool later;			/* what went wrong may pass */
	unsigned rc;			/* the pusher's csync2 */
	size_t ndirty, strangers;
	char said[256];			/* csync2's last words */
	char noted[256];		/* those of csync2 there, to its log */
	struct answer answer;		/* the receiver's */
	char why[256];			/* how the session ended, if badly */
};

/* Of the whole way: run.way. */
struct pipe_run {
	size_t scans_left;
	struct loop_timer *scan_limit;	/* while some are */
	size_t jobs;			/* running on the pusher */
	size_t settled;			/* so many hosts, from the first, have
					 * a job or have ended */
	struct pipe_host hosts[];	/* as many as the plan has */
};

static inline struct pipe_host *
pipe_of(struct run_host *h)
{
	struct pipe_run *w = h->run->way;

	return &w->hosts[h->i];
}

/* pipe.c */
void pipe_try_push(struct run_host *h);	/* if it is ready and there is room */
void pipe_judge(struct run_host *h);	/* if both halves are over */

/* receiver.c */
void receiver_connect(void *arg, size_t i);	/* for the pool */
void receiver_accept(void *arg, int fd);	/* for the listener */

#endif
