/* SPDX-License-Identifier: ISC */
/*
 * loop: one thread, file descriptors, timers, children and signals. epoll(7)
 * underneath (poller.h says why and how); SIGCHLD and the signals that the
 * program asked for arrive through a signalfd, so callbacks run in plain
 * context and may call anything but loop_run() and loop_free(). Callbacks may
 * add or remove any source, themselves included; a removed source is never
 * called again, not even when its event had already been collected.
 *
 *	loop_new → loop_fd / loop_timer / loop_signal / child_start … →
 *	loop_run (until loop_stop or nothing is left to wait for) → loop_free
 *
 * Limits: the caller closes its own fds, after loop_fd_free(); one handle an
 * fd. One loop a process; the loop blocks SIGCHLD and the asked signals,
 * child_start() restores the mask in children. SIGPIPE is ignored while a
 * loop exists. Every child of the process is reaped here, the statuses of
 * unknown ones are dropped. A program that ignores or handles signals by
 * sigaction(2) does so before loop_new(), which notes what children must
 * have reset.
 */
#ifndef POSTERN_LOOP_H
#define POSTERN_LOOP_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct loop;
struct loop_fd;
struct loop_timer;

/* loop_new(): returns owned, or NULL: ERR_SYS, ERR_MEM. */
struct loop *loop_new(struct err *e);
/* loop_free(): frees all sources; children that were killed and are nobody's
 * any more are reaped, for at most a second. NULL is legal. */
void loop_free(struct loop *l);

/* loop_run(): 0 after loop_stop(), also one from before the call, or when no
 * source is left, -1 ERR_SYS. */
int loop_run(struct loop *l, struct err *e);
void loop_stop(struct loop *l);

/* loop_now_ms(): CLOCK_MONOTONIC in milliseconds, as of this turn. */
uint64_t loop_now_ms(const struct loop *l);

/* events: POLLIN, POLLOUT. revents: poll(2)'s, POLLHUP and POLLERR too. */
typedef void loop_fd_fn(void *arg, int fd, short revents);

/* loop_fd_new(): watch fd (borrowed); a regular file or /dev/null is always
 * ready. A closed fd makes loop_run() fail. events may be 0 (only POLLHUP and
 * POLLERR are reported then). Returns a handle owned by the loop, or NULL
 * ERR_MEM. */
struct loop_fd *loop_fd_new(struct loop *l, int fd, short events,
	loop_fd_fn *fn, void *arg, struct err *e);
void loop_fd_events(struct loop_fd *f, short events);
/* loop_fd_pause(): on: not polled at all, so a hung-up fd doesn't spin. */
void loop_fd_pause(struct loop_fd *f, int on);
void loop_fd_free(struct loop_fd *f);		/* NULL is legal */

typedef void loop_timer_fn(void *arg);

/* loop_timer_new(): call fn after_ms from now, and every every_ms after
 * that when every_ms > 0. A one-shot timer stays, disarmed, until freed;
 * loop_timer_set() arms it again. */
struct loop_timer *loop_timer_new(struct loop *l, uint64_t after_ms,
	uint64_t every_ms, loop_timer_fn *fn, void *arg, struct err *e);
void loop_timer_set(struct loop_timer *t, uint64_t after_ms,
	uint64_t every_ms);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);	/* NULL is legal */

typedef void loop_signal_fn(void *arg, int signo);

/* loop_signal(): deliver signo to fn instead of its default action, for the
 * loop's life. 0, or -1 ERR_SYS. */
int loop_signal(struct loop *l, int signo, loop_signal_fn *fn, void *arg,
	struct err *e);

/* For child.c: call fn once when pid (our child) has ended, with its
 * waitpid(2) status. fn NULL: nobody waits for it any more; it is still
 * reaped. 0, or -1 ERR_MEM. */
typedef void loop_child_fn(void *arg, pid_t pid, int status);
int loop_child(struct loop *l, pid_t pid, loop_child_fn *fn, void *arg,
	struct err *e);
/* loop_reset_set(): the signals that a child must set to SIG_DFL. */
const sigset_t *loop_reset_set(const struct loop *l);

#endif
