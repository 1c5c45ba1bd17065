/* SPDX-License-Identifier: ISC */
/*
 * poller: what loop.c asks the kernel. epoll(7), level-triggered, with two
 * habits that make it as safe as poll(2): a descriptor is taken out
 * explicitly before its owner closes it (an epoll registration belongs to
 * the open file, and a child that still shares it would keep it alive), and
 * changes are collected and told to the kernel just before it is asked, so
 * that on-off-on within a turn costs nothing. A file that epoll refuses (a
 * regular file, /dev/null) is always ready, as poll(2) says of it.
 *
 * Limits: one watch an fd at a time. Only for loop.c.
 */
#ifndef POSTERN_POLLER_H
#define POSTERN_POLLER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define POLLER_OFF ((short)-1)

struct poller_watch {
	int fd;
	short want;		/* poll(2) events, or POLLER_OFF */
	short have;		/* what the kernel was told last */
	bool dirty;		/* on the list of changes */
	bool always;		/* refused by epoll: always ready */
	struct poller_watch *next_dirty;
	struct poller_watch *next_always;
};

struct poller_ready {
	struct poller_watch *w;
	short revents;
};

struct poller {
	int ep;
	struct poller_watch *dirty;
	struct poller_watch *always;
};

/* poller_init(): 0, or -1 ERR_SYS. */
int poller_init(struct poller *p, struct err *e);
void poller_clear(struct poller *p);

/* poller_set(): want other events from now on. w is borrowed until it was
 * dropped and poller_flush() has run once after that. */
void poller_set(struct poller *p, struct poller_watch *w, short want);
/* poller_drop(): forget w at once; its fd may be closed after that. */
void poller_drop(struct poller *p, struct poller_watch *w);
/* poller_flush(): tell the kernel what changed. 0, or -1 ERR_SYS. */
int poller_flush(struct poller *p, struct err *e);
/* poller_wait(): at most timeout_ms (-1: no limit); up to max results.
 * Returns how many, or -1 ERR_SYS; a signal yields 0. */
int poller_wait(struct poller *p, int timeout_ms, struct poller_ready *out,
	size_t max, struct err *e);

#endif
