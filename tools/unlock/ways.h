/* SPDX-License-Identifier: ISC */
/*
 * ways: the things that a run can do once it is set up. Each starts its
 * sessions and returns; the loop does the rest. 0, or -1 with *e.
 */
#ifndef POSTERN_WAYS_H
#define POSTERN_WAYS_H

#include "run.h"

/*
 * pipe_start(): the default push. A receiver: csync2 -i on the pipes of an
 * ssh of its own. The pusher: one csync2 -u a receiver, which connects to a
 * port of ours (with --from: to one that its ssh forwards to us) and is
 * joined to that receiver's ssh.
 */
int pipe_start(struct run *r, struct err *e);
void pipe_clear(struct run *r);

/* fifo_start(): --fifo. A key a receiver, one csync2 -P after another. */
int fifo_start(struct run *r, struct err *e);
void fifo_clear(struct run *r);

/* window_start(): --shared, --hold and COMMAND: one key in all FIFOs. */
int window_start(struct run *r, struct err *e);
void window_clear(struct run *r);

/* verify_start(): compare what the groups' patterns match, on the pusher and
 * on each host that has not failed; then run_done(). */
int verify_start(struct run *r, struct err *e);
/* verify_or_done(): after a push: verify_start() if that was asked for and
 * there is something to compare, else run_done(). */
void verify_or_done(struct run *r);
void verify_clear(struct run *r);

/* setup_start(), probe_start(), cage_start(): a script on every host. */
int setup_start(struct run *r, struct err *e);
int probe_start(struct run *r, struct err *e);
int cage_start(struct run *r, struct err *e);

#endif
