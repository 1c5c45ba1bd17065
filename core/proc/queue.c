/* SPDX-License-Identifier: ISC */
#include "proc/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct queue_part {
	struct queue_part *next;
	const char *data;	/* copy, or borrowed; NULL: in pipe */
	int pipe;		/* borrowed */
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

int
queue_pipe(struct queue *q, int fd, size_t len)
{
	struct queue_part *part = append(q, len, 0);

	if (part == NULL)
		return -1;
	part->data = NULL;
	part->pipe = fd;
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

/* The first part is in a pipe, and fd is nothing that the kernel could move
 * it to: copied, after all. As read(2). */
static ssize_t
fetch(struct queue *q)
{
	struct queue_part *part = q->first, *copy;
	size_t len = part->len - part->off;
	ssize_t n;

	copy = malloc(sizeof(*copy) + len);
	if (copy == NULL)
		return -1;
	n = read(part->pipe, copy->copy, len);
	if (n <= 0) {
		free(copy);
		return n;
	}
	*copy = (struct queue_part){ .data = copy->copy, .len = (size_t)n,
		.next = part };
	part->off += (size_t)n;
	if (part->off == part->len) {
		copy->next = part->next;
		if (q->last == part)
			q->last = copy;
		free(part);
	}
	q->first = copy;
	return n;
}

/* What fd takes of part now. As write(2). */
static ssize_t
put(struct queue *q, const struct queue_part *part, int fd)
{
	size_t len = part->len - part->off;
	ssize_t n;

	if (len == 0)
		return 0;
	if (part->data != NULL)
		return write(fd, part->data + part->off, len);
	n = splice(part->pipe, NULL, fd, NULL, len, SPLICE_F_NONBLOCK);
	if (n == -1 && errno == EINVAL) {
		n = fetch(q);
		if (n > 0)
			return put(q, q->first, fd);
	}
	/* It is not there: who was to leave it alone has read it. */
	if (n == 0)
		errno = EIO;
	return n == 0 ? -1 : n;
}

int
queue_write(struct queue *q, int fd)
{
	struct queue_part *part;
	ssize_t n;

	while (q->first != NULL) {
		n = put(q, q->first, fd);
		part = q->first;
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
