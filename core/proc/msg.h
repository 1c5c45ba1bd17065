/* SPDX-License-Identifier: ISC */
/*
 * msg: the frames that two of our programs speak over one connection. Pure.
 * A frame is a header of MSG_HEAD bytes (its type, then the length of the
 * payload as three bytes, big endian) and at most MSG_MAX bytes of payload:
 *
 *	Q  request, text	A  answer, text		P  progress, text
 *	R  result, text; ends the run
 *	D  bytes of a stream	E  a stream's process is over: its status
 *	B  beat, empty				K  a secret, 32 bytes
 *	C  what has changed since the last run	L  what was not read as it was
 *
 * Another type, a longer payload than its type may have, and an empty payload
 * of anything but a beat are errors: nothing of the frame is kept. Text is
 * for proc/msgtext.h.
 *
 * The decoder takes bytes as they come. It holds at most one payload, and
 * only of a frame that came in pieces; a frame that lies whole in what is fed
 * is handed over where it lies. Its work is bounded by the bytes that it gets:
 * a flood of empty frames costs its sender four bytes a call. How many bytes
 * it is fed at a time is the caller's, and so is how long silence or beats
 * alone may last. What it held of an MSG_KEY is wiped; what it was fed is the
 * caller's to wipe.
 *
 *	struct msg_in in;
 *	msg_init(&in);
 *	while ((n = read(...)) > 0)
 *		if (msg_feed(&in, data, n, NULL, got_frame, arg, &e) == -1) ...
 *	msg_eof(&in, &e);		a cut frame is an error
 *	msg_clear(&in);
 */
#ifndef POSTERN_MSG_H
#define POSTERN_MSG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define MSG_HEAD	4u	/* bytes */
#define MSG_MAX		65536u	/* bytes of payload */
#define MSG_KEY_LEN	32u	/* of an MSG_KEY */

enum {
	MSG_REQUEST = 'Q',
	MSG_ANSWER = 'A',
	MSG_DATA = 'D',
	MSG_END = 'E',
	MSG_PROGRESS = 'P',
	MSG_RESULT = 'R',
	MSG_BEAT = 'B',
	MSG_KEY = 'K',
	MSG_CHANGES = 'C',
	MSG_LEFT = 'L',
};

struct msg_in {
	unsigned char head[MSG_HEAD];
	size_t head_len;	/* bytes of head that came */
	struct buf body;	/* of a frame that came in pieces */
	bool broken;		/* an error was returned: for ever */
};

/*
 * One frame. data: len bytes, borrowed for the call; not NUL-terminated.
 * Must not touch the struct msg_in that it is called from. Returns 0 to go
 * on; 1: to be handed no more for now; -1 with *e filled.
 */
typedef int msg_fn(void *arg, char type, const char *data, size_t len,
	struct err *e);

void msg_init(struct msg_in *in);
/* msg_clear(): release; *in is as after msg_init(). */
void msg_clear(struct msg_in *in);

/*
 * msg_feed(): the next len bytes of the connection.
 * ret_used   how many of them were taken: len, or fewer after fn returned 1;
 *            feed the rest again. May be NULL when fn never does.
 * Returns 0, or -1: ERR_PEER (no frame of ours), ERR_MEM, or what fn set;
 * then every later call fails, too.
 */
int msg_feed(struct msg_in *in, const void *data, size_t len,
	size_t *ret_used, msg_fn *fn, void *arg, struct err *e);

/* msg_eof(): no more will come. 0, or -1 ERR_PEER: in the midst of a frame. */
int msg_eof(const struct msg_in *in, struct err *e);

/*
 * msg_head(): the header of a frame whose len bytes of payload the caller
 * sends itself (writev(2)). 0, or -1: no such type, or len is not for it.
 */
int msg_head(char type, size_t len, unsigned char ret[MSG_HEAD]);

/* msg_add(): a whole frame, appended to out. 0, or -1: as msg_head(), or
 * out's cap is reached; nothing was appended. */
int msg_add(struct buf *out, char type, const void *data, size_t len);

/* msg_add_end(), msg_end(): a process's status, 0 to 255, as an MSG_END has
 * it: decimal, without leading zeros. 0, or -1 (msg_end: ERR_PEER). */
int msg_add_end(struct buf *out, int status);
int msg_end(const char *data, size_t len, int *ret_status, struct err *e);

#endif
