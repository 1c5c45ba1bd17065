/* SPDX-License-Identifier: ISC */
#include "reader.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/esc.h"
#include "grants.h"
#include "source.h"
#include "sys/file.h"
#include "ui/log.h"

#define LOOK_MS 10000
#define ROOM 48			/* for "and 1000 more" */
#define PATH_ROOM 4096

static void
on_over(void *arg)
{
	/* The store has the last word. */
}

static void
on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	struct reader *r = arg;

	if (s == CHILD_STDERR && len > 0)
		unread_line(&r->unread, line, cut);
}

/* --- what could not be opened --- */

/* In the place of rsync's words: the names, as many as there is room for. */
static void
name_late(struct reader *r)
{
	const struct strv *v = &r->unread.files;
	char *said = r->xfer.said;
	size_t i, len = 0;
	struct buf b;

	for (i = 0; i < v->n; i++)
		log_debug("%s: came after the run had begun, or took the "
		    "place of what was there", v->v[i]);
	buf_init(&b, XFER_SAID - ROOM);
	(void)buf_adds(&b, "left to the next run:");
	for (i = 0; i < v->n; i++) {
		len = b.len;
		if (buf_adds(&b, i == 0 ? " " : ", ") == -1 ||
		    esc_text(&b, v->v[i], strlen(v->v[i])) == -1)
			break;
	}
	snprintf(said, XFER_SAID, "%s", b.data);
	if (i < v->n)
		snprintf(said + len, XFER_SAID - len, " and %zu more (-v "
		    "names them)", v->n - i);
	buf_clear(&b);
}

static void
on_look_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	log_debug("%s", line);
}

static void
on_looked(void *arg, const struct child_end *end)
{
	struct reader *r = arg;
	bool could = WIFEXITED(end->status) && WEXITSTATUS(end->status) == 0;

	if (could)
		name_late(r);
	xfer_told(&r->xfer, could ? UNREAD_VANISHED : UNREAD_PARTIAL);
}

/* The jail's program again, out of the jail: could it have read them? */
static int
start_look(struct reader *r, struct err *e)
{
	char program[PATH_ROOM], path[PATH_ROOM], look[] = "--readable";
	char *argv[] = { program, look, path, NULL };
	struct child_spec spec = { .argv = argv, .timeout_ms = LOOK_MS,
		.io = { CHILD_NULL, CHILD_PIPE, CHILD_PIPE },
		.on_line = on_look_line, .on_end = on_looked, .arg = r };
	struct buf text;
	int rc = -1;

	snprintf(path, sizeof(path), "%s" SOURCE_UNREAD, r->dir);
	buf_init(&text, GRANTS_MAX);
	if (unread_grants(&r->unread, &text, e) == 0 &&
	    half_program("postern-backup-send", program, sizeof(program),
	    e) == 0 &&
	    file_write(path, text.data, text.len, 0600, NULL, e) == 0) {
		r->look = child_start(r->loop, &spec, e);
		rc = r->look != NULL ? 0 : -1;
	}
	buf_clear(&text);
	return rc;
}

/* xfer_calls.on_rc */
static bool
on_rc(void *arg, int rc)
{
	struct reader *r = arg;
	struct err e = ERR_INIT;

	if (rc != UNREAD_PARTIAL || !unread_only(&r->unread))
		return false;
	if (start_look(r, &e) == 0)
		return true;
	log_debug("%s", e.msg);
	return false;
}

/* --- the transfer --- */

int
reader_start(struct reader *r, struct loop *l, struct chan *c,
    const struct settings_job *j, struct err *e)
{
	static const struct xfer_calls calls = { .on_line = on_line,
		.on_over = on_over, .on_rc = on_rc };
	struct source_spec s = { .path = "/", .rules = { &j->roots,
		&j->excludes }, .nice = j->nice, .ionice = j->ionice,
		.bandwidth = j->bandwidth };
	struct half_calls half;

	r->loop = l;
	r->job = j;
	handshake_init(&r->handshake);
	xfer_init(&r->xfer, c, &calls, r);
	half = xfer_calls(&r->xfer);
	r->xfer.half = source_start(l, &s, &half, &r->dir, e);
	return r->xfer.half != NULL ? 0 : -1;
}

void
reader_clear(struct reader *r)
{
	child_free(r->look);
	r->look = NULL;
	xfer_clear(&r->xfer);
	handshake_clear(&r->handshake);
	unread_clear(&r->unread);
	source_remove(r->dir);
	r->dir = NULL;
}

int
reader_frame(struct reader *r, char type, const char *data, size_t len,
    struct err *e)
{
	struct buf pass;
	int rc;

	if (type != MSG_DATA || handshake_over(&r->handshake))
		return xfer_frame(&r->xfer, type, data, len, e);
	buf_init(&pass, HANDSHAKE_MAX + MSG_MAX);
	rc = handshake_feed(&r->handshake, data, len, &pass, e);
	if (rc == -1)
		err_wrap(e, "to our rsync");
	else if (pass.len > 0)
		rc = xfer_frame(&r->xfer, type, pass.data, pass.len, e);
	buf_clear(&pass);
	return rc;
}

void
reader_room(struct reader *r)
{
	xfer_room(&r->xfer);
}
