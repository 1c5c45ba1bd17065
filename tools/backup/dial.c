/* SPDX-License-Identifier: ISC */
#include "dial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate.h"
#include "late.h"
#include "link.h"
#include "ui/log.h"
#include "unread.h"

#define END_MS 5000		/* for ssh, once our rsync is over */
#define NO_SSH 255
#define NO_STREAM 12		/* rsync: error in its protocol's stream */
#define NO_SOCKET 10		/* rsync: error in socket I/O */
#define NO_WRITE 11		/* rsync: error in file I/O */

struct dial {
	struct dial_spec spec;
	struct loop *loop;
	struct half *half;
	struct link *ssh;
	bool half_over, told;
	int rc, peer_rc;
	char said[XFER_SAID];
	struct unread unread;	/* what rsync says there */
	struct err err;		/* why there is no ssh */
};

static void
one_line(char *s)
{
	for (; (s = strchr(s, '\n')) != NULL; s++)
		*s = s[1] == '\0' ? '\0' : ';';
}

/* What an rsync ends with whose other side is gone. */
static bool
is_lost(int rc)
{
	return rc == NO_STREAM || rc == NO_SOCKET;
}

/* The side that failed first has most to say: who lost its connection only
 * tells that. One that could not write, or refuses what it was told, ends the
 * other by its end, or with its own status: then the other may be silent. */
static bool
ours_was_first(const struct dial *d)
{
	if (d->rc == 0 || is_lost(d->rc))
		return false;
	if (is_lost(d->peer_rc))
		return true;
	return d->rc == d->peer_rc && (d->rc == NO_WRITE ||
	    !link_said(d->ssh));
}

static void
maybe_over(struct dial *d)
{
	struct reply left = { .status = UNREAD_VANISHED };
	struct err e = ERR_INIT;

	if (!d->half_over || d->told || (d->ssh != NULL &&
	    !link_over(d->ssh)))
		return;
	d->told = true;
	if (d->err.code != ERR_NONE)
		snprintf(d->said, sizeof(d->said), "%s", d->err.msg);
	else if (d->ssh != NULL && d->peer_rc != 0 && !ours_was_first(d)) {
		link_judge(d->ssh, &(struct err)ERR_INIT, &e);
		snprintf(d->said, sizeof(d->said), "%s", e.msg);
	}
	if (d->peer_rc == UNREAD_VANISHED) {
		left.vanished = unread_left(&d->unread);
		left.changed = d->unread.n_changed;
		late_name(&d->unread, left.why, sizeof(left.why));
	}
	d->spec.on_over(d->spec.arg, d->rc, d->peer_rc, &left, d->said);
}

static void
on_said(void *arg, const char *line, bool cut)
{
	struct dial *d = arg;

	if (unread_rsyncs(line))
		unread_line(&d->unread, line, cut);
}

static void
on_ssh_end(void *arg)
{
	struct dial *d = arg;

	d->peer_rc = link_status(d->ssh);
	/* What could not be opened nobody here can judge, nor whether what
	 * came short twice has other names. */
	if (!d->spec.judged && d->peer_rc == UNREAD_PARTIAL &&
	    unread_only(&d->unread) && d->unread.files.n == 0 &&
	    (!d->spec.sink.in_place || d->unread.n_again == 0))
		d->peer_rc = UNREAD_VANISHED;
	if (d->half != NULL)
		half_finish(d->half, d->peer_rc);
	maybe_over(d);
}

/* What runs there is what the gate made of it, never the jail's string. */
static int
start_ssh(struct dial *d, int from, int to, const char *command, size_t len,
    struct err *e)
{
	struct strv argv = { 0 }, ssh = { 0 };
	struct link_spec k = { .dest = d->spec.dest, .in = from, .out = to,
		.on_said = on_said, .on_end = on_ssh_end, .arg = d };
	struct buf line;
	int rc = -1;

	buf_init(&line, 2 * GATE_MAX);
	if (gate_parse(command, len, d->spec.sink.plain->roots, &argv,
	    e) == -1)
		goto out;
	if (gate_emit(&argv, &line) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	log_debug("%s: %s", d->spec.dest, line.data);
	if (sshargv_build(d->spec.ssh, d->spec.dest, line.data, &ssh,
	    e) == -1)
		goto out;
	k.argv = ssh.v;
	d->ssh = link_start(d->loop, &k, e);
	rc = d->ssh != NULL ? 0 : -1;
out:
	buf_clear(&line);
	strv_clear(&argv);
	strv_clear(&ssh);
	return rc;
}

static void
on_given(void *arg, int from, int to, const char *command, size_t len)
{
	struct dial *d = arg;

	if (start_ssh(d, from, to, command, len, &d->err) == -1) {
		d->peer_rc = NO_SSH;
		half_kill(d->half);
	}
	close(from);
	close(to);
}

static void
on_half_end(void *arg, const struct half_end *end)
{
	struct dial *d = arg;

	d->half_over = true;
	d->rc = end->rc;
	snprintf(d->said, sizeof(d->said), "%s", end->err->code != ERR_NONE ?
	    end->err->msg : end->said[0] != '\0' ? end->said : end->why);
	one_line(d->said);
	half_free(d->half);
	d->half = NULL;
	if (d->ssh != NULL)
		link_deadline(d->ssh, END_MS);
	maybe_over(d);
}

static void
on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	struct dial *d = arg;

	if (d->spec.on_line != NULL)
		d->spec.on_line(d->spec.arg, s, line, len, cut);
}

struct dial *
dial_start(struct loop *l, const struct dial_spec *s, struct err *e)
{
	struct dial *d = calloc(1, sizeof(*d));
	struct half_calls calls = { .on_given = on_given, .on_line = on_line,
		.on_end = on_half_end, .arg = d };

	if (d == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	d->spec = *s;
	d->loop = l;
	d->err = (struct err)ERR_INIT;
	d->half = sink_start(l, &s->sink, &calls, e);
	if (d->half == NULL) {
		free(d);
		return NULL;
	}
	return d;
}

void
dial_lost(struct dial *d)
{
	if (d->ssh != NULL)
		link_deadline(d->ssh, 1);
	else if (d->half != NULL)
		half_kill(d->half);
}

void
dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	half_free(d->half);
	link_free(d->ssh);
	unread_clear(&d->unread);
	free(d);
}
