/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>

#include "folder.h"
#include "rows.h"
#include "serve.h"
#include "serve_snap.h"

/*
 * The client's own snapshots, or what is in a folder of one of them, as rows
 * in MSG_DATA frames. A worker makes a frame, and the next one only when
 * there is room for it: a client that doesn't read costs one.
 */

struct list {
	struct history history;
	struct folder folder;
	size_t left;			/* snapshots that are not sent yet */
	struct buf frame;
	bool begun, more, waiting;
	uint64_t rows;
};

static void
list_free(struct serve *s)
{
	struct list *l = s->op;

	history_clear(&l->history);
	folder_close(&l->folder);
	buf_clear(&l->frame);
	free(l);
	s->op = NULL;
}

static int
begin(struct serve *s, struct list *l, struct err *e)
{
	l->begun = true;
	if (s->req.snapshot != NULL)
		return folder_open(&s->client, s->req.snapshot,
		    s->req.paths.n > 0 ? s->req.paths.v[0] : "/", &l->folder,
		    e);
	if (history_read(&s->client, &l->history, e) == -1)
		return -1;
	l->left = l->history.n;
	return 0;
}

/* The next frame, in the worker. */
static int
fill(void *arg, struct err *e)
{
	struct serve *s = arg;
	struct list *l = s->op;

	buf_clear(&l->frame);
	if (!l->begun && begin(s, l, e) == -1)
		return -1;
	if (s->req.snapshot != NULL) {
		l->more = folder_rows(&l->folder, &l->frame) == 1;
		l->rows = l->folder.at;
		return 0;
	}
	/* The oldest first. */
	while (l->left > 0 && rows_add_snap(&l->history.v[l->left - 1],
	    &l->frame) == 0)
		l->left--;
	l->more = l->left > 0;
	l->rows = l->history.n - l->left;
	return l->more && l->frame.len == 0 ?
	    err_set(e, ERR_MEM, "out of memory") : 0;
}

static void on_filled(void *arg, const struct err *e);

static void
next(struct serve *s)
{
	struct err e = ERR_INIT;

	worker_free(s->worker);
	s->worker = worker_start(s->loop, fill, on_filled, s, &e);
	if (s->worker == NULL)
		serve_refuse(s, &e);
}

static void
on_room(struct serve *s)
{
	struct list *l = s->op;

	if (!l->waiting)
		return;
	l->waiting = false;
	next(s);
}

static void
on_filled(void *arg, const struct err *e)
{
	struct serve *s = arg;
	struct list *l = s->op;
	struct reply r = { 0 };
	struct err why = ERR_INIT;

	if (s->over)
		return;
	if (e != NULL) {
		serve_refuse(s, e);
		return;
	}
	if ((!s->answered && serve_go_on(s, &r, &why) == -1) ||
	    (l->frame.len > 0 && chan_send(s->chan, MSG_DATA, l->frame.data,
	    l->frame.len, &why) == -1)) {
		serve_refuse(s, &why);
		return;
	}
	if (l->more) {
		l->waiting = !chan_room(s->chan);
		if (!l->waiting)
			next(s);
		return;
	}
	r.files = l->rows;
	if (l->folder.cut) {
		r.status = 2;
		snprintf(r.why, sizeof(r.why), "only %u entries of that folder "
		    "are listed", FOLDER_MAX);
	}
	serve_result(s, &r);
}

int
serve_list(struct serve *s, struct err *e)
{
	struct list *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	l->folder = (struct folder){ .hold = -1, .fd = -1 };
	buf_init(&l->frame, MSG_MAX);
	s->op = l;
	s->op_free = list_free;
	s->on_room = on_room;
	if (s->req.paths.n > 0 && s->req.snapshot == NULL)
		return err_set(e, ERR_REFUSED, "a path of which snapshot?");
	if (serve_snap_resolve(s, e) == -1 || (s->req.snapshot != NULL &&
	    store_snapshot_ok(&s->client, s->req.snapshot, e) == -1))
		return -1;
	s->worker = worker_start(s->loop, fill, on_filled, s, e);
	return s->worker != NULL ? 0 : -1;
}
