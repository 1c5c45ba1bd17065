/* SPDX-License-Identifier: ISC */
/*
 * wire: our end of a connection that frames (proc/msg.h) go over: the pipes
 * of an ssh, or what sshd gave us as stdin and stdout.
 *
 * It sends a beat every beat_ms and takes the other end for lost when nothing
 * came for three of them. It never blocks: frames wait in a bounded queue,
 * and whoever has a stream to send asks wire_room() first and goes on at
 * on_room(). A paused wire reads nothing, and takes no silence for a loss
 * meanwhile.
 *
 *	wire_new → wire_send … → wire_free
 */
#ifndef BACKUP_WIRE_H
#define BACKUP_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "proc/loop.h"
#include "proc/msg.h"

struct wire;

struct wire_ops {
	/* A frame other than a beat; data: len bytes, borrowed for the call.
	 * 0, or -1 with *e filled: the wire ends with that. */
	int (*on_frame)(void *arg, char type, const char *data, size_t len,
		struct err *e);
	/* wire_room() is true again. May be NULL. */
	void (*on_room)(void *arg);
	/*
	 * Nothing will come any more, called once. e NULL: the other end
	 * closed at the end of a frame. Otherwise ERR_PEER (no frames of
	 * ours, or cut), ERR_TIMEOUT (silence), ERR_SYS, or on_frame()'s.
	 */
	void (*on_end)(void *arg, const struct err *e);
};

/*
 * wire_new(): takes in and out (set non-blocking, closed by wire_free(), and
 * on failure; they may be the same), copies ops. beat_ms 0: neither beats nor
 * a limit for silence. Returns owned, or NULL: ERR_MEM, ERR_SYS.
 */
struct wire *wire_new(struct loop *l, int in, int out, uint64_t beat_ms,
	const struct wire_ops *ops, void *arg, struct err *e);
/* wire_free(): what is queued is lost. NULL is legal; from any callback, too. */
void wire_free(struct wire *w);

/* wire_send(): queue a frame. 0, or -1: ERR_PEER (no such frame, or nobody
 * reads any more), ERR_MEM (more is queued than a stream should: see
 * wire_room()). */
int wire_send(struct wire *w, char type, const void *data, size_t len,
	struct err *e);
/* wire_room(): whether a stream should send more now. */
bool wire_room(const struct wire *w);
/* wire_pause(): stop or resume reading. */
void wire_pause(struct wire *w, bool on);
/* wire_close(): close out once the queue is written; done, unless NULL, is
 * called then, at once when there is nothing left. */
void wire_close(struct wire *w, void (*done)(void *arg), void *arg);

#endif
