/* SPDX-License-Identifier: ISC */
#include "proc/queue.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

struct queue_part {
	struct queue_part *next;
	const char *data;	/* copy, or borrowed */
	size_t len, off;
	void (*done)(void *arg);
	void *arg;
	char copy[];
};

void
queue_init(struct queue *q, size_t max)
{
	*q = (struct queue){ .max = max };
}

bool
queue_fits(const struct queue *q, size_t len)
{
	return len <= q->max && q->bytes <= q->max - len;
}

static struct queue_part *
append(struct queue *q, size_t len, size_t room)
{
	struct queue_part *part;

	if (!queue_fits(q, len))
		return NULL;
	part = malloc(sizeof(*part) + room);
	if (part == NULL)
		return NULL;
	*part = (struct queue_part){ .data = part->copy, .len = len };
	if (q->last != NULL)
		q->last->next = part;
	else
		q->first = part;
	q->last = part;
	q->bytes += len;
	return part;
}

int
queue_add(struct queue *q, const void *data, size_t len)
{
	struct queue_part *part;

	if (len == 0)
		return 0;
	part = append(q, len, len);
	if (part == NULL)
		return -1;
	memcpy(part->copy, data, len);
	return 0;
}

int
queue_borrow(struct queue *q, const void *data, size_t len,
    void (*done)(void *arg), void *arg)
{
	struct queue_part *part = append(q, len, 0);

	if (part == NULL)
		return -1;
	part->data = data;
	part->done = done;
	part->arg = arg;
	return 0;
}

/* Out of the queue before done() is called, which may use the queue. */
static void
shift(struct queue *q)
{
	struct queue_part *part = q->first;

	q->first = part->next;
	if (q->first == NULL)
		q->last = NULL;
	q->bytes -= part->len - part->off;
	if (part->done != NULL)
		part->done(part->arg);
	free(part);
}

/* What has not been written of the first parts, for writev(2). */
static int
gather(const struct queue *q, struct iovec *v, int max)
{
	const struct queue_part *part;
	int n = 0;

	for (part = q->first; part != NULL && n < max; part = part->next)
		v[n++] = (struct iovec){
			.iov_base = (void *)(uintptr_t)(part->data + part->off),
			.iov_len = part->len - part->off };
	return n;
}

/* All is counted before the first done(), which may drop the queue. */
static void
written(struct queue *q, size_t n)
{
	struct queue_part *part;
	size_t k;

	for (part = q->first; n > 0; part = part->next) {
		k = part->len - part->off;
		if (k > n)
			k = n;
		part->off += k;
		q->bytes -= k;
		n -= k;
	}
	while (q->first != NULL && q->first->off == q->first->len)
		shift(q);
}

int
queue_write(struct queue *q, int fd)
{
	struct iovec v[16];
	ssize_t n;

	while (q->first != NULL) {
		n = writev(fd, v, gather(q, v, 16));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		written(q, (size_t)n);
	}
	return 0;
}

void
queue_drop(struct queue *q)
{
	while (q->first != NULL)
		shift(q);
}
