/* SPDX-License-Identifier: ISC */
#include "half.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/esc.h"
#include "half_priv.h"

#define FAILED_MS 5000		/* to end after the other one failed */
#define REST_MS 20		/* between looks at what it prints */
#define SAID_MAX 512		/* bytes of a line, escaped */

void
half_enter(struct half *h)
{
	h->busy++;
}

bool
half_leave(struct half *h)
{
	unsigned i;

	if (--h->busy > 0)
		return !h->dead;
	if (!h->dead)
		return true;
	for (i = 0; i < SAID_LINES; i++)
		free(h->said[i]);
	lines_clear(&h->printed);
	free(h);
	return false;
}

bool
half_dead(const struct half *h)
{
	return h->dead;
}

static void
keep_said(struct half *h, const char *line, size_t len)
{
	struct buf b;

	/* An escaped byte takes four. */
	buf_init(&b, SAID_MAX);
	if (esc_text(&b, line, len) == -1)
		(void)esc_text(&b, line, len < SAID_MAX / 4 ? len :
		    SAID_MAX / 4);
	free(h->said[h->said_at]);
	h->said[h->said_at] = buf_steal(&b);
	h->said_at = (h->said_at + 1) % SAID_LINES;
	buf_clear(&b);
}

void
half_on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	struct half *h = arg;

	half_enter(h);
	if (s == CHILD_STDERR && len > 0)
		keep_said(h, line, len);
	if (h->calls.on_line != NULL)
		h->calls.on_line(h->calls.arg, s, line, len, cut);
	half_leave(h);
}

/* A lines_fn. */
static bool
on_progress(void *arg, const char *line, size_t len, bool cut)
{
	if (len > 0)
		half_on_line(arg, CHILD_STDOUT, line, len, cut);
	return !((struct half *)arg)->dead;
}

void
half_on_rested(void *arg)
{
	struct half *h = arg;

	half_enter(h);
	if (h->child != NULL)
		child_pause(h->child, false);
	half_leave(h);
}

/* What the receiving rsync prints: progress ends in CR. */
static void
print(struct half *h, const char *data, size_t len)
{
	char copy[4096];
	size_t n, i;

	half_enter(h);
	for (; len > 0 && !h->dead; data += n, len -= n) {
		n = len < sizeof(copy) ? len : sizeof(copy);
		for (i = 0; i < n; i++)
			copy[i] = (char)(data[i] == '\r' ? '\n' : data[i]);
		lines_feed(&h->printed, copy, n, on_progress, h);
	}
	/* It prints a line a file, each of which would wake us: they wait in
	 * the pipe for a while. */
	if (!h->dead) {
		child_pause(h->child, true);
		loop_timer_set(h->rest, REST_MS, 0);
	}
	half_leave(h);
}

void
half_on_raw(void *arg, const void *data, size_t len)
{
	struct half *h = arg;

	if (h->recv)
		print(h, data, len);
	else
		half_wire_data(h, data, len);
}

ssize_t
half_take(void *arg, int from, size_t max)
{
	struct half *h = arg;
	ssize_t n;

	half_enter(h);
	n = h->calls.take(h->calls.arg, from, max);
	half_leave(h);
	return n;
}

bool
half_wire_given(struct half *h, const int fds[2], const char *command,
    size_t len)
{
	if (h->calls.on_given == NULL)
		return false;
	half_enter(h);
	h->calls.on_given(h->calls.arg, fds[0], fds[1], command, len);
	half_leave(h);
	return true;
}

void
half_wire_data(struct half *h, const void *data, size_t len)
{
	half_enter(h);
	h->calls.on_data(h->calls.arg, data, len);
	half_leave(h);
}

void
half_on_drain(void *arg)
{
	half_wire_room(arg);
}

void
half_wire_room(struct half *h)
{
	half_enter(h);
	if (h->calls.on_room != NULL && !h->over)
		h->calls.on_room(h->calls.arg);
	half_leave(h);
}

void
half_wire_failed(struct half *h, const struct err *e)
{
	if (h->err.code == ERR_NONE)
		h->err = *e;
	half_kill(h);
}

/* One that fails ends its relay and then itself: what it says is better. */
void
half_wire_orphaned(struct half *h)
{
	h->orphan = true;
	if (!h->over)
		child_deadline(h->child, FAILED_MS);
}

static void
tell_end(struct half *h)
{
	struct half_end end = { .err = &h->err };
	struct buf said;
	char why[128];
	unsigned i;

	buf_init(&said, SAID_LINES * (SAID_MAX + 1));
	for (i = 0; i < SAID_LINES; i++) {
		const char *line = h->said[(h->said_at + i) % SAID_LINES];

		if (line != NULL && buf_addf(&said, "%s%s",
		    said.len > 0 ? "\n" : "", line) == -1)
			break;
	}
	child_why(h->status, why, sizeof(why));
	end.rc = WIFSIGNALED(h->status) ? 128 + WTERMSIG(h->status) :
	    WEXITSTATUS(h->status);
	end.why = why;
	end.said = said.data;
	wire_clear(&h->wire);
	h->calls.on_end(h->calls.arg, &end);
	buf_clear(&said);
}

void
half_wire_dry(struct half *h)
{
	if (h->over && h->pid != 0 && wire_drain(&h->wire) && !h->dead) {
		h->pid = 0;
		tell_end(h);
	}
}

void
half_on_child_end(void *arg, const struct child_end *end)
{
	struct half *h = arg;

	half_enter(h);
	/* The others of its group: the receiver that rsync forked, the relay.
	 * Its number is taken while one of them is left. */
	kill(-h->pid, SIGKILL);
	if (h->rest != NULL)
		loop_timer_stop(h->rest);
	lines_end(&h->printed, on_progress, h);
	h->over = true;
	h->status = end->status;
	if (h->orphan && end->timed_out && h->err.code == ERR_NONE)
		err_set(&h->err, ERR_PEER, "postern-backup-relay was killed");
	if (end->io_errno != 0 && h->err.code == ERR_NONE) {
		errno = end->io_errno;
		err_sys(&h->err, "reading from the confined rsync");
	}
	if (!h->dead)
		half_wire_dry(h);
	half_leave(h);
}

void
half_free(struct half *h)
{
	if (h == NULL || h->dead)
		return;
	half_enter(h);
	h->dead = true;
	/* Kills the group, unless it is over. */
	child_free(h->child);
	h->child = NULL;
	loop_timer_free(h->rest);
	h->rest = NULL;
	wire_clear(&h->wire);
	half_leave(h);
}

int
half_write(struct half *h, const void *data, size_t len, struct err *e)
{
	if (h->over || h->finished)
		return err_set(e, ERR_PEER, "rsync reads no more");
	return h->recv ? wire_write(&h->wire, data, len, e) :
	    child_send(h->child, data, len, e);
}

size_t
half_room(const struct half *h)
{
	return HALF_QUEUE_MAX - (h->recv ? wire_queued(&h->wire) :
	    child_queued(h->child));
}

void
half_pause(struct half *h, bool on)
{
	if (h->recv)
		wire_pause(&h->wire, on);
	else
		child_pause(h->child, on);
}

void
half_finish(struct half *h, int rc)
{
	if (h->over || h->finished)
		return;
	h->finished = true;
	if (h->recv)
		wire_finish(&h->wire, rc);
	else
		child_close_stdin(h->child);
	/* One that only writes does not look at its stdin. */
	if (rc != 0)
		child_deadline(h->child, FAILED_MS);
}

void
half_kill(struct half *h)
{
	if (!h->over)
		child_kill(h->child, SIGKILL);
}

pid_t
half_pid(const struct half *h)
{
	return h->over ? 0 : h->pid;
}
