/* SPDX-License-Identifier: ISC */
#include "reader.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "grants.h"
#include "late.h"
#include "onename.h"
#include "rootargs.h"
#include "scratch.h"
#include "source.h"
#include "sys/file.h"
#include "ui/log.h"

#define LOOK_MS 10000
#define PATH_ROOM 4096

static void
on_over(void *arg)
{
	struct reader *r = arg;

	r->spec.on_over(r->spec.arg);
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

static void
on_look_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	log_debug("%s", line);
}

/* All that failed is a warning. What it was about goes in the place of
 * rsync's words, and to the store. */
static void
told(struct reader *r)
{
	struct reply *left = &r->xfer.left;

	left->status = UNREAD_VANISHED;
	left->vanished = unread_left(&r->unread);
	left->changed = r->unread.n_changed;
	late_raw(&r->unread, left->why, sizeof(left->why));
	late_name(&r->unread, r->xfer.said, XFER_SAID);
	xfer_told(&r->xfer, UNREAD_VANISHED);
}

static void
on_looked(void *arg, const struct child_end *end)
{
	struct reader *r = arg;
	bool could = WIFEXITED(end->status) && WEXITSTATUS(end->status) == 0;

	if (could)
		told(r);
	else
		xfer_told(&r->xfer, UNREAD_PARTIAL);
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

	if (rc != UNREAD_VANISHED && (rc != UNREAD_PARTIAL ||
	    !unread_only(&r->unread)))
		return false;
	if (rc == UNREAD_PARTIAL && r->handshake.in_place &&
	    !onename_each(&r->unread))
		return false;
	if (r->unread.files.n == 0) {
		told(r);
		return true;
	}
	if (start_look(r, &e) == 0)
		return true;
	log_debug("%s", e.msg);
	return false;
}

/* --- the transfer --- */

int
reader_start(struct reader *r, struct loop *l, struct chan *c,
    const struct reader_spec *spec, struct err *e)
{
	static const struct xfer_calls calls = { .on_line = on_line,
		.on_over = on_over, .on_rc = on_rc };
	const struct settings_job *j = spec->job;
	/* What is on a list is on the file systems that are meant. */
	bool apart = j->one_file_system == 1 && spec->list == NULL;
	struct source_spec s = { .path = "/", .rules = { &j->roots,
		&j->excludes }, .nice = j->nice, .ionice = j->ionice,
		.bandwidth = j->bandwidth, .apart = apart,
		.list = spec->list, .own = spec->own };
	struct half_calls half;

	r->loop = l;
	r->spec = *spec;
	r->unread.listed = spec->list != NULL;
	if (apart && rootargs_make(&j->roots, &r->paths, e) == -1)
		return -1;
	handshake_init(&r->handshake, &r->paths, spec->list);
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
	strv_clear(&r->paths);
	unread_clear(&r->unread);
	scratch_remove(r->dir);
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
