/* SPDX-License-Identifier: ISC */
/*
 * chan: our end of a connection that frames (proc/msg.h) go over: the pipes
 * of an ssh, or what sshd gave us as stdin and stdout.
 *
 * It sends a beat every beat_ms and takes the other end for lost when nothing
 * came for three of them. It never blocks: frames wait in a bounded queue,
 * and whoever has a stream to send asks chan_room() first and goes on at
 * on_room(). A paused channel reads nothing, and takes no silence for a loss
 * meanwhile.
 *
 *	chan_new → chan_send … → chan_free
 */
#ifndef BACKUP_CHAN_H
#define BACKUP_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "proc/loop.h"
#include "proc/msg.h"

/* What a pipe that streams should hold, bytes: as much as anybody may ask for
 * by default (pipe-max-size, proc(5)). */
#define CHAN_ROOM (1 << 20)

struct chan;

struct chan_ops {
	/* A frame other than a beat; data: len bytes, borrowed for the call,
	 * wiped after it when it is an MSG_KEY.
	 * 0, or -1 with *e filled: the channel ends with that. */
	int (*on_frame)(void *arg, char type, const char *data, size_t len,
		struct err *e);
	/* chan_room() is true again. May be NULL. */
	void (*on_room)(void *arg);
	/*
	 * Nothing will come any more, called once. e NULL: the other end
	 * closed at the end of a frame. Otherwise ERR_PEER (no frames of
	 * ours, or cut), ERR_TIMEOUT (silence), ERR_SYS, or on_frame()'s.
	 */
	void (*on_end)(void *arg, const struct err *e);
};

/*
 * chan_new(): takes in and out (set non-blocking, closed by chan_free(), and
 * on failure; they may be the same; pipes are made to hold CHAN_ROOM, where
 * the kernel lets us), copies ops. beat_ms 0: neither beats nor
 * a limit for silence. Returns owned, or NULL: ERR_MEM, ERR_SYS.
 */
struct chan *chan_new(struct loop *l, int in, int out, uint64_t beat_ms,
	const struct chan_ops *ops, void *arg, struct err *e);
/* chan_beat(): from now on another time between beats, more than 0; the other
 * end has been told. After a chan_new() with beats; no-op without. */
void chan_beat(struct chan *w, uint64_t beat_ms);
/* chan_patience(): until the first byte has come, silence may last ms (a
 * handshake's time). After a chan_new() with beats; no-op without. */
void chan_patience(struct chan *w, uint64_t ms);
/* chan_stdio(): the same on stdin and stdout, which are /dev/null afterwards,
 * so that nothing else ever reads or writes there. */
struct chan *chan_stdio(struct loop *l, uint64_t beat_ms,
	const struct chan_ops *ops, void *arg, struct err *e);
/* chan_free(): what is queued is lost. NULL is legal; from any callback, too. */
void chan_free(struct chan *w);

/* chan_send(): queue a frame. 0, or -1: ERR_PEER (no such frame, or nobody
 * reads any more), ERR_MEM (more is queued than a stream should: see
 * chan_room()). */
int chan_send(struct chan *w, char type, const void *data, size_t len,
	struct err *e);
/*
 * chan_send_key(): an MSG_KEY. data: MSG_KEY_LEN bytes, written from where
 * they lie and never copied; borrowed until done(arg) is called: they are
 * written, or never will be. As chan_send(); then done is not called.
 */
int chan_send_key(struct chan *w, const void *data, void (*done)(void *arg),
	void *arg, struct err *e);
/*
 * chan_take(): one MSG_DATA of at most max bytes that are ready in the pipe
 * from (borrowed for the call), moved and not copied where the kernel can: by
 * a pipe of ours, whose bytes then wait for their turn like those of other
 * frames. As read(2): how many were taken, 0 at from's end, -1 with errno.
 * *e is filled as by chan_send() when they were taken and can't be sent.
 */
ssize_t chan_take(struct chan *w, int from, size_t max, struct err *e);
/* chan_room(): whether a stream should send more now. */
bool chan_room(const struct chan *w);
/* chan_pause(): stop or resume reading. */
void chan_pause(struct chan *w, bool on);
/* chan_close(): close out once the queue is written; done, unless NULL, is
 * called then, at once when there is nothing left. */
void chan_close(struct chan *w, void (*done)(void *arg), void *arg);

#endif
