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

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "proc/loop.h"

enum muxask_state {
	MUXASK_ASKED,
	MUXASK_STANDS,		/* standard input may have been read */
	MUXASK_NONE,		/* it ended before it stood */
	MUXASK_LOST,		/* it stood, and ended without a status */
	MUXASK_EXITED		/* it ended, with a status */
};

struct muxask;

/*
 * muxask_start(): connects to the socket at path and asks for command.
 * wait_ms  that a master may take to accept (0: for ever).
 * on_end   called once, when the state is one of the last three; may call
 *          muxask_free().
 * Returns owned, or NULL: ERR_PEER (no master takes it: it had none of our
 * descriptors), ERR_SYS, ERR_MEM.
 * Source: muxmsg.h.
 */
struct muxask *muxask_start(struct loop *l, const char *path,
	const char *command, uint64_t wait_ms, void (*on_end)(void *arg),
	void *arg, struct err *e);

enum muxask_state muxask_state(const struct muxask *m);
/* muxask_status(): of one that EXITED. */
int muxask_status(const struct muxask *m);

/* muxask_free(): ends the session if it has not. NULL is legal. */
void muxask_free(struct muxask *m);

#endif
