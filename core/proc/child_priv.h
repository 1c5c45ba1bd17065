/* SPDX-License-Identifier: ISC */
/*
 * child_priv: what child.c (a child's life) and child_start.c (its birth)
 * share. The callbacks are those that the loop calls.
 */
#ifndef POSTERN_CHILD_PRIV_H
#define POSTERN_CHILD_PRIV_H

#include "proc/child.h"
#include "proc/lines.h"
#include "proc/queue.h"

struct stream {
	struct child *child;
	int fd;			/* ours; -1: closed or never a pipe */
	struct loop_fd *watch;
	enum child_stream name;
	struct lines lines;
	size_t left;		/* after the end: bytes still to deliver */
};

struct child {
	struct loop *loop;
	struct child_spec spec;	/* argv and envp are gone after the start */
	char *name;		/* argv[0] */
	pid_t pid;
	struct stream out[2];	/* stdout, stderr */
	int in;			/* -1: closed */
	struct loop_fd *in_watch;
	struct queue queue;	/* what waits to be written to in */
	bool close_in;		/* once the queue is empty */
	bool raw, raw_over;
	bool paused;
	bool killed;		/* by us: the end waits for nobody */
	bool over;		/* the process has ended */
	bool told;		/* on_end() was called */
	int status;
	bool timed_out;
	int io_errno;		/* a read of its output failed: it is ended */
	unsigned term_step;	/* 1: SIGTERM sent, 2: SIGKILL sent */
	struct loop_timer *timer;
	unsigned busy;		/* frames of ours on the stack */
	bool dead;		/* freed while busy */
};

void child_on_readable(void *arg, int fd, short revents);
void child_on_writable(void *arg, int fd, short revents);
void child_on_exit(void *arg, pid_t pid, int status);
void child_on_deadline(void *arg);

#endif
