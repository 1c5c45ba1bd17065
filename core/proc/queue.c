/* SPDX-License-Identifier: ISC */
#include "proc/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

int
queue_write(struct queue *q, int fd)
{
	struct queue_part *part;
	ssize_t n;

	while ((part = q->first) != NULL) {
		n = part->len == part->off ? 0 :
		    write(fd, part->data + part->off, part->len - part->off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		part->off += (size_t)n;
		q->bytes -= (size_t)n;
		if (part->off == part->len)
			shift(q);
	}
	return 0;
}

void
queue_drop(struct queue *q)
{
	while (q->first != NULL)
		shift(q);
}
