/* SPDX-License-Identifier: ISC */
/*
 * relay: a connected stream socket joined with a child's raw stdin and
 * stdout. Bytes from the socket go to the child, bytes of on_raw to the
 * socket; neither side is read while the other doesn't take what it was
 * given (at most 64 KiB and one read wait each way), and an end of file on
 * one side is passed on to the other.
 *
 * The child's callbacks belong to its owner, who hands them on:
 *
 *	child_pause(c, true) → child_raw() … → relay_start() →
 *	on_raw: relay_raw · on_raw_eof: relay_raw_eof ·
 *	on_drain: relay_drain · on_end of the child: relay_child_end →
 *	on_end → relay_free()
 *
 * on_end comes once: both directions are through, or the socket broke, or
 * the child is over and its last bytes are with the socket. It may come from
 * within any relay function but relay_start(), and may call relay_free().
 */
#ifndef POSTERN_RELAY_H
#define POSTERN_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "proc/child.h"
#include "proc/loop.h"

struct relay;

struct relay_end {
	uint64_t to_child;	/* bytes that the socket gave us for it */
	uint64_t to_socket;	/* bytes that the socket took */
	int sys_errno;		/* why the socket broke; 0: it didn't */
};

typedef void relay_end_fn(void *arg, const struct relay_end *end);

/* relay_start(): takes fd, also when it fails; borrows c until on_end,
 * relay_child_end() or relay_free(). Resumes the child's stdout. Returns
 * owned, or NULL: ERR_MEM, ERR_SYS. */
struct relay *relay_start(struct loop *l, int fd, struct child *c,
	relay_end_fn *on_end, void *arg, struct err *e);
/* relay_free(): closes the socket, not the child. NULL is legal. */
void relay_free(struct relay *r);

void relay_raw(struct relay *r, const void *data, size_t len);
void relay_raw_eof(struct relay *r);
void relay_drain(struct relay *r);
/* relay_child_end(): the child is over; r forgets it. */
void relay_child_end(struct relay *r);

/* relay_count(): the bytes so far. */
void relay_count(const struct relay *r, struct relay_end *ret);

#endif
