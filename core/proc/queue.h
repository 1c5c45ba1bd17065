/* SPDX-License-Identifier: ISC */
/*
 * queue: bytes that wait to be written to a descriptor, in order: copied
 * ones, borrowed ones (secrets) that are written from where they lie and
 * never copied, and such that lie in a pipe, which the kernel moves on without
 * copying them where it can (splice(2)). Bounded. For child.c.
 */
#ifndef POSTERN_QUEUE_H
#define POSTERN_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue_part;

struct queue {
	struct queue_part *first, *last;
	size_t bytes;		/* that wait */
	size_t max;
};

void queue_init(struct queue *q, size_t max);
/* queue_fits(): whether len more bytes stay within max. */
bool queue_fits(const struct queue *q, size_t len);
/* queue_add(), queue_borrow(): 0, or -1 when memory is out or max would be
 * passed. done may be NULL; it is called once, when the bytes are written or
 * dropped, and may add to the queue or drop it. */
int queue_add(struct queue *q, const void *data, size_t len);
int queue_borrow(struct queue *q, const void *data, size_t len,
	void (*done)(void *arg), void *arg);
/* queue_pipe(): len bytes, more than 0, that lie in the pipe fd, and that
 * nobody else reads from it; fd is borrowed until they are written or dropped
 * (then they stay in it). 0, or -1 as queue_add(). */
int queue_pipe(struct queue *q, int fd, size_t len);
/* queue_write(): as much as fd (non-blocking) takes now. 0, or -1 with
 * errno when fd takes no more, ever. */
int queue_write(struct queue *q, int fd);
/* queue_drop(): forget everything. */
void queue_drop(struct queue *q);

#endif
