/* SPDX-License-Identifier: ISC */
#include "xfer.h"

#include <stdio.h>
#include <string.h>

#include "ui/log.h"

/* What a paused channel may still hand over: the rest of what it had read. */
#define SLACK ((size_t)2 * MSG_MAX)
#define STREAM_BROKEN 12	/* RERR_STREAMIO */

void
xfer_init(struct xfer *x, struct chan *w, const struct xfer_calls *calls,
    void *arg)
{
	*x = (struct xfer){ .chan = w, .calls = *calls, .arg = arg };
}

void
xfer_clear(struct xfer *x)
{
	half_free(x->half);
	x->half = NULL;
}

static void
maybe_over(struct xfer *x)
{
	if (x->over && x->peer_over)
		x->calls.on_over(x->arg);
}

static void
on_data(void *arg, const void *data, size_t len)
{
	struct xfer *x = arg;
	struct err e = ERR_INIT;

	/* Nobody reads any more: the channel's own end says why. */
	if (chan_send(x->chan, MSG_DATA, data, len, &e) == -1)
		log_debug("%s", e.msg);
	if (!chan_room(x->chan))
		half_pause(x->half, true);
}

static ssize_t
take(void *arg, int from, size_t max)
{
	struct xfer *x = arg;
	struct err e = ERR_INIT;
	ssize_t n = chan_take(x->chan, from, max, &e);

	if (e.code != ERR_NONE)
		log_debug("%s", e.msg);
	if (!chan_room(x->chan))
		half_pause(x->half, true);
	return n;
}

static void
on_room(void *arg)
{
	struct xfer *x = arg;

	chan_pause(x->chan, false);
}

static void
on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	struct xfer *x = arg;

	if (x->calls.on_line != NULL)
		x->calls.on_line(x->arg, s, line, len, cut);
}

static void
one_line(char *s)
{
	for (; (s = strchr(s, '\n')) != NULL; s++)
		*s = s[1] == '\0' ? '\0' : ';';
}

void
xfer_told(struct xfer *x, int rc)
{
	char text[8];
	struct buf b;
	int n;

	x->over = true;
	x->rc = rc;
	buf_init(&b, MSG_MAX);
	if ((x->left.vanished > 0 || x->left.changed > 0) &&
	    reply_emit(&x->left, &b, NULL) == 0)
		(void)chan_send(x->chan, MSG_LEFT, b.data, b.len, NULL);
	buf_clear(&b);
	n = snprintf(text, sizeof(text), "%d", rc & 255);
	(void)chan_send(x->chan, MSG_END, text, (size_t)n, NULL);
	maybe_over(x);
}

static void
on_end(void *arg, const struct half_end *end)
{
	struct xfer *x = arg;

	snprintf(x->said, sizeof(x->said), "%s", end->err->code != ERR_NONE ?
	    end->err->msg : end->said[0] != '\0' ? end->said : end->why);
	one_line(x->said);
	if (end->rc != 0)
		log_debug("our rsync: %s", x->said);
	/* end is its own. */
	x->rc = end->rc;
	half_free(x->half);
	x->half = NULL;
	/* What it left unread must not hold up what comes after it. */
	chan_pause(x->chan, false);
	if (x->calls.on_rc == NULL || !x->calls.on_rc(x->arg, x->rc))
		xfer_told(x, x->rc);
}

struct half_calls
xfer_calls(struct xfer *x)
{
	return (struct half_calls){ .on_data = on_data, .take = take,
		.on_room = on_room, .on_line = on_line, .on_end = on_end,
		.arg = x };
}

int
xfer_frame(struct xfer *x, char type, const char *data, size_t len,
    struct err *e)
{
	struct err ignored = ERR_INIT;

	if (x->peer_over)
		return err_set(e, ERR_PEER, "the other end goes on after its "
		    "end");
	if (type == MSG_LEFT)
		return reply_parse(data, len, &x->peer_left, e);
	if (type == MSG_END) {
		if (msg_end(data, len, &x->peer_rc, e) == -1)
			return -1;
		x->peer_over = true;
		if (x->half != NULL)
			half_finish(x->half, x->peer_rc);
		maybe_over(x);
		return 0;
	}
	/* rsync that reads no more will end, and say why. */
	if (x->half == NULL || half_write(x->half, data, len, &ignored) == -1)
		return 0;
	if (half_room(x->half) < SLACK)
		chan_pause(x->chan, true);
	return 0;
}

void
xfer_lost(struct xfer *x)
{
	if (x->peer_over)
		return;
	x->peer_over = true;
	x->peer_rc = STREAM_BROKEN;
	if (x->half != NULL)
		half_finish(x->half, STREAM_BROKEN);
	maybe_over(x);
}

void
xfer_room(struct xfer *x)
{
	if (x->half != NULL)
		half_pause(x->half, false);
}
