/* SPDX-License-Identifier: ISC */
#include "offer.h"

#include <stdlib.h>
#include <string.h>

#include "changes.h"

static void
fail(struct offer *o, const struct err *e)
{
	o->calls.on_fail(o->calls.arg, e);
}

static void
on_read(void *arg)
{
	struct offer *o = arg;
	int rc = o->reader.xfer.rc;

	o->over = true;
	/* While the store makes its snapshot of it. */
	if (!o->listed && (rc == 0 || rc == UNREAD_VANISHED))
		scanner_late(o->scanner);
}

static int
start_reader(struct offer *o, struct err *e)
{
	const struct reader_spec spec = { .job = o->job, .on_over = on_read,
		.list = o->listed ? scanner_list_path(o->scanner) : NULL,
		.own = scanner_own(o->scanner), .arg = o };

	if (!o->listed)
		scanner_begun(o->scanner);
	return reader_start(&o->reader, o->loop, o->chan, &spec, e);
}

/* As much as there is room for; then our rsync, if there is anything to it. */
static int
tell(struct offer *o, struct err *e)
{
	const struct buf *text = scanner_changes(o->scanner);
	char out[MSG_MAX];
	bool end = false;
	size_t n;

	while (!end && chan_room(o->chan)) {
		n = changes_put(text, &o->told, scanner_sums(o->scanner), out,
		    &end);
		if (chan_send(o->chan, MSG_CHANGES, out, n, e) == -1)
			return -1;
	}
	o->telling = !end;
	if (!end)
		return 0;
	if (changes_new(text->data, text->len))
		return start_reader(o, e);
	o->reader.xfer.over = o->over = true;
	return 0;
}

/* The store waits for what has changed, and the look is over. */
static void
go_on(struct offer *o)
{
	const struct buf *text = scanner_changes(o->scanner);
	struct err e = ERR_INIT;
	int rc;

	/* What rsync needs is there before the store builds on it. */
	if (text != NULL && (!changes_new(text->data, text->len) ||
	    scanner_list(o->scanner) == 0)) {
		rc = tell(o, &e);
	} else {
		o->listed = false;
		rc = chan_send(o->chan, MSG_CHANGES, "n", 1, &e);
		if (rc == 0)
			rc = start_reader(o, &e);
	}
	if (rc == -1)
		fail(o, &e);
}

static void
keep(struct offer *o)
{
	const struct reply *r = o->result;

	if (r->status == 0)
		scanner_keep(o->scanner, r->snapshot, r->vanished > 0 ||
		    r->changed > 0 || o->reader.xfer.rc != 0);
	o->calls.on_kept(o->calls.arg);
}

static void
on_scanned(void *arg)
{
	struct offer *o = arg;

	if (o->result != NULL)
		keep(o);
	else if (o->listed && !o->over)
		go_on(o);
}

struct offer *
offer_new(struct loop *l, const struct settings_job *j, bool full,
    const struct offer_calls *calls, struct err *e)
{
	struct offer *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	*o = (struct offer){ .loop = l, .job = j, .calls = *calls };
	o->scanner = scanner_new(l, j, on_scanned, o, e);
	if (o->scanner == NULL) {
		free(o);
		return NULL;
	}
	if (full)
		scanner_drop(o->scanner);
	return o;
}

void
offer_free(struct offer *o)
{
	if (o == NULL)
		return;
	reader_clear(&o->reader);
	scanner_free(o->scanner);
	free(o);
}

const char *
offer_since(const struct offer *o)
{
	return scanner_since(o->scanner);
}

void
offer_begin(struct offer *o)
{
	scanner_first(o->scanner);
}

int
offer_answer(struct offer *o, struct chan *c, bool since, struct err *e)
{
	o->chan = c;
	o->listed = since;
	if (!since) {
		scanner_drop(o->scanner);
		return start_reader(o, e);
	}
	if (scanner_since(o->scanner) == NULL)
		return err_set(e, ERR_PEER, "the store goes by changes that "
		    "nobody offered");
	if (!scanner_busy(o->scanner))
		go_on(o);
	return 0;
}

int
offer_frame(struct offer *o, char type, const char *data, size_t len,
    struct err *e)
{
	if (o->reader.loop == NULL)
		return err_set(e, ERR_PEER, "its rsync speaks before ours is "
		    "there");
	return reader_frame(&o->reader, type, data, len, e);
}

void
offer_room(struct offer *o)
{
	struct err e = ERR_INIT;

	if (!o->telling)
		reader_room(&o->reader);
	else if (tell(o, &e) == -1)
		fail(o, &e);
}

void
offer_keep(struct offer *o, const struct reply *result)
{
	o->result = result;
	/* Nothing is kept of a run that failed: nobody waits for a look. */
	if (result->status != 0)
		scanner_drop(o->scanner);
	if (!scanner_busy(o->scanner))
		keep(o);
}
