/* SPDX-License-Identifier: ISC */
/*
 * muxask: a session through an ssh master of the pool. The master gets our
 * three descriptors and the command over its socket, and moves the bytes
 * itself; here is waited for its end. What `ssh -S` does, without the start of
 * an ssh, which takes longer than all else of a session on the gateway.
 *
 * Closing the connection ends the session: so does our end, however it comes.
 */
#ifndef GIT_MUXASK_H
#define GIT_MUXASK_H

#include <stdint.h>

#include "base/err.h"
#include "proc/loop.h"

enum muxask_state {
	MUXASK_CALLED,		/* it has not said a word, nor got ours */
	MUXASK_ASKED,		/* for a session: it may come to one */
	MUXASK_STANDS,		/* standard input may have been read */
	MUXASK_NONE,		/* it ended before it stood */
	MUXASK_LOST,		/* it stood, and ended without a status */
	MUXASK_EXITED		/* it ended, with a status */
};

struct muxask_spec {
	const char *path;	/* the socket; borrowed for the start */
	const char *command;	/* borrowed until the end */
	int fd[3];		/* borrowed until it stands */
	uint64_t wait_ms;	/* a master may take to accept; 0: for ever */
	void (*on_end)(void *arg);	/* once, in one of the last three
				 * states; may call muxask_free() */
	void *arg;
};

struct muxask;

/*
 * muxask_start(): connects and greets. What is asked for is sent when the
 * master has greeted, too: one that hangs finds nothing when it goes on later.
 * Returns owned, or NULL: ERR_PEER (nobody is there), ERR_SYS, ERR_MEM.
 * Source: muxmsg.h.
 */
struct muxask *muxask_start(struct loop *l, const struct muxask_spec *spec,
	struct err *e);

enum muxask_state muxask_state(const struct muxask *m);
/* muxask_status(): of one that EXITED. */
int muxask_status(const struct muxask *m);

/* muxask_free(): ends the session if it has not. NULL is legal. */
void muxask_free(struct muxask *m);

#endif
