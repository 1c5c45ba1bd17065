/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve.h"
#include "ui/log.h"

/* What the store says: to the client, and to its owner when that one pulls. */

#define LAST_WORD_MS 10000

void
serve_over(struct serve *s, const struct err *e)
{
	if (s->on_end != NULL)
		s->on_end(s, e);
	else
		loop_stop(s->loop);
}

void
serve_stderr(void)
{
	int flags = fcntl(STDERR_FILENO, F_GETFL);
	struct stat st;

	if (flags != -1 && fstat(STDERR_FILENO, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		(void)fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
}

static void
on_closed(void *arg)
{
	serve_over(arg, NULL);
}

/* Which files vanished or changed the host has told; the client of another
 * run knows that itself. */
static void
show_pulled(const struct serve *s, const struct reply *r)
{
	const char *left = s->xfer.peer_left.why;
	struct reply all = *r;
	size_t n = strlen(all.why);

	if (r->status == 0 && left[0] != '\0')
		snprintf(all.why + n, sizeof(all.why) - n, "%s%s",
		    n > 0 ? "; " : "", left);
	show_result(s->show, s->pull, &all);
}

static void
say_last(struct serve *s, char type, const struct reply *r)
{
	struct err e = ERR_INIT;
	struct buf b;

	if (s->over)
		return;
	s->over = true;
	s->status = (int)r->status;
	if (s->pull != NULL)
		show_pulled(s, r);
	if (s->chan == NULL) {
		serve_over(s, NULL);
		return;
	}
	buf_init(&b, MSG_MAX);
	if (reply_emit(r, &b, &e) == -1 ||
	    chan_send(s->chan, type, b.data, b.len, &e) == -1)
		log_debug("%s", e.msg);
	buf_clear(&b);
	/* Whoever doesn't read it can't keep us. */
	loop_timer_set(s->limit, LAST_WORD_MS, 0);
	chan_close(s->chan, on_closed, s);
}

void
serve_refuse(struct serve *s, const struct err *e)
{
	struct reply r = { .status = (uint64_t)err_exit(e->code) };

	snprintf(r.why, sizeof(r.why), "%s", e->msg);
	say_last(s, s->answered ? MSG_RESULT : MSG_ANSWER, &r);
}

void
serve_result(struct serve *s, const struct reply *r)
{
	say_last(s, MSG_RESULT, r);
}

int
serve_go_on(struct serve *s, struct reply *r, struct err *e)
{
	struct buf b;
	int rc;

	r->status = 0;
	if (s->show != NULL)
		show_answer(s->show, r);
	s->answered = s->chan == NULL;
	if (s->answered)
		return 0;
	buf_init(&b, MSG_MAX);
	rc = reply_emit(r, &b, e);
	if (rc == 0)
		rc = chan_send(s->chan, MSG_ANSWER, b.data, b.len, e);
	buf_clear(&b);
	if (rc == 0)
		s->answered = true;
	return rc;
}

void
serve_progress(struct serve *s, const struct reply *r)
{
	struct buf b;

	if (s->over)
		return;
	if (s->show != NULL)
		show_progress(s->show, r);
	if (s->chan == NULL || !chan_room(s->chan))
		return;
	buf_init(&b, MSG_MAX);
	if (reply_emit(r, &b, NULL) == 0)
		(void)chan_send(s->chan, MSG_PROGRESS, b.data, b.len, NULL);
	buf_clear(&b);
}
