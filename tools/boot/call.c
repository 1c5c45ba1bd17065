/* SPDX-License-Identifier: ISC */
#include "call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "proc/child.h"
#include "sys/file.h"
#include "ui/log.h"

#define LINES_MAX	1000	/* an honest agent says fewer */
#define NOISE_MAX	200
#define PINS_MAX	(1u << 20)
#define SSH_FAILED	255

struct call {
	struct call_spec spec;
	struct child *child;
	unsigned lines;
	bool hello, end, bad;
	enum sshfail fail;
	struct bootpins_seen seen;
	char words[NOISE_MAX + 1];	/* the last, or worst, on stderr */
};

int
call_argv(const struct call_spec *s, struct strv *out, struct err *e)
{
	struct sshargv_opts so = { .program = s->o->ssh,
	    .config = s->o->ssh_config, .user = s->o->user,
	    .connect_timeout_s = (unsigned)((s->o->connect_ms + 999) / 1000) };
	struct strv options = { .n = 0 };
	struct buf cmd;
	int rc = -1;

	buf_init(&cmd, 512);
	if (bootpins_options(s->known_hosts, s->dest, &options, e) == -1)
		goto out;
	if ((s->o->port != 0 && strv_addf(&options, "Port=%" PRIu64,
	    s->o->port) == -1) || (s->o->ssh_options.n > 0 &&
	    strv_addv(&options, s->o->ssh_options.v) == -1) ||
	    bootcmd_emit(s->cmd, &cmd) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	so.options = &options;
	rc = sshargv_build(&so, s->dest, cmd.data, out, e);
out:
	strv_clear(&options);
	buf_clear(&cmd);
	return rc;
}

static void
note_words(struct call *c, const char *line)
{
	/* Once the agent has spoken what comes may be its words. */
	enum sshfail f = c->hello ? SSHFAIL_OTHER : sshargv_fail(line);
	size_t n;

	bootpins_see(&c->seen, line);
	log_debug("%s: %s", c->spec.dest, line);
	if (line[strspn(line, " \t")] == '\0' || f < c->fail)
		return;
	n = strnlen(line, NOISE_MAX);
	memcpy(c->words, line, n);
	c->words[n] = '\0';
	c->fail = f;
}

static void
on_line(void *arg, enum child_stream stream, const char *line, size_t len,
    bool cut)
{
	char copy[BOOTLINE_MAX + 1];
	struct call *c = arg;
	struct bootline l;

	if (len > 0 && len < sizeof(copy) && line[len - 1] == '\r') {
		memcpy(copy, line, --len);
		copy[len] = '\0';
		line = copy;
	}
	if (stream == CHILD_STDERR) {
		note_words(c, line);
		return;
	}
	if (c->bad || c->end)
		return;
	if (cut || strlen(line) != len || ++c->lines > LINES_MAX ||
	    bootline_parse(line, &l, NULL) == -1 ||
	    (l.kind == BOOTLINE_HELLO) == c->hello) {
		c->bad = true;
		child_kill(c->child, SIGTERM);
		return;
	}
	if (l.kind == BOOTLINE_HELLO) {
		c->hello = true;
		child_deadline(c->child, c->spec.timeout_ms);
	} else if (l.kind == BOOTLINE_END) {
		c->end = true;
	} else {
		c->spec.on_line(c->spec.arg, &l);
	}
}

/* Both fingerprints of a changed key, and what to do. */
static void
why_changed(const struct call *c, struct buf *out)
{
	char pinned[BOOTPINS_FP] = "?";
	struct err e = ERR_INIT;
	struct buf text;

	buf_init(&text, PINS_MAX);
	if (c->seen.line == 0 || file_read(c->spec.known_hosts, &text,
	    &e) == -1 || bootpins_fp(text.data, c->seen.line, pinned,
	    &e) == -1)
		log_debug("%s: the pinned key: %s", c->spec.dest, e.msg);
	(void)buf_addf(out, "the boot host key changed: pinned is %s (%s:%u), "
	    "it shows %s. If the image was built anew with another key, put "
	    "that into the file; otherwise somebody answers in its place",
	    pinned, c->spec.known_hosts, c->seen.line,
	    c->seen.shown[0] != '\0' ? c->seen.shown : "another");
	buf_clear(&text);
}

/* ssh's own status, and none that the agent has: it came to no end there. */
static bool
lost(const struct call *c, const struct child_end *end)
{
	return c->hello && WIFEXITED(end->status) &&
	    WEXITSTATUS(end->status) == SSH_FAILED;
}

static void
why(const struct call *c, const struct child_end *end, struct buf *out)
{
	char status[64];

	child_why(end->status, status, sizeof(status));
	if (c->bad) {
		(void)buf_adds(out, "no postern-boot agent answers there, or "
		    "one of another version");
	} else if (end->timed_out) {
		(void)buf_addf(out, "no %s within %" PRIu64 " s", c->hello ?
		    "end" : "answer", (c->hello ? c->spec.timeout_ms :
		    c->spec.o->connect_ms) / 1000);
	} else if (c->fail == SSHFAIL_HOSTKEY_CHANGED) {
		why_changed(c, out);
	} else if (c->fail == SSHFAIL_HOSTKEY_UNKNOWN) {
		(void)buf_addf(out, "its boot host key is not pinned: put a "
		    "line '");
		(void)bootpins_name(c->spec.dest, out, NULL);
		(void)buf_addf(out, " KEY' into %s, with KEY from where the "
		    "image was built", c->spec.known_hosts);
	} else {
		if (c->fail != SSHFAIL_OTHER)
			(void)buf_addf(out, "%s: ", sshargv_failname(c->fail));
		if (lost(c, end))
			(void)buf_adds(out, "the connection was lost: ");
		(void)buf_adds(out, c->words[0] != '\0' ? c->words : status);
	}
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct call_end ce = { .whole = false };
	struct call *c = arg;
	struct buf b;

	ce.whole = c->end && !c->bad;
	if (!ce.whole) {
		buf_init(&b, sizeof(ce.why) - 1);
		why(c, end, &b);
		snprintf(ce.why, sizeof(ce.why), "%s", b.data);
		buf_clear(&b);
		ce.again = !c->bad && (end->timed_out || lost(c, end) ||
		    c->fail == SSHFAIL_UNREACHABLE || c->fail == SSHFAIL_LOST);
	}
	c->spec.on_end(c->spec.arg, &ce);
}

struct call *
call_start(struct loop *l, const struct call_spec *s, struct err *e)
{
	struct call *c = calloc(1, sizeof(*c));
	struct strv argv = { .n = 0 };
	struct child_spec cs = {
		.io = { CHILD_PIPE, CHILD_PIPE, CHILD_PIPE },
		.own_group = true,
		.line_max = BOOTLINE_MAX,
		.timeout_ms = s->o->connect_ms,
		.on_line = on_line,
		.on_end = on_end,
		.arg = c,
	};

	if (c == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	c->spec = *s;
	if (s->timeout_ms == 0)
		c->spec.timeout_ms = s->o->timeout_ms;
	if (s->timeout_ms == 0)
		c->spec.timeout_ms = s->o->timeout_ms;
	if (call_argv(s, &argv, e) == 0) {
		cs.argv = argv.v;
		c->child = child_start(l, &cs, e);
	}
	strv_clear(&argv);
	if (c->child == NULL) {
		free(c);
		return NULL;
	}
	/* Only an unlock has something to say. */
	if (s->cmd->verb != BOOTCMD_UNLOCK)
		child_close_stdin(c->child);
	return c;
}

void
call_free(struct call *c)
{
	if (c == NULL)
		return;
	child_free(c->child);
	free(c);
}

int
call_secret(struct call *c, const struct secret *s, struct err *e)
{
	if (child_send_secret(c->child, secret_data(s), secret_len(s), NULL,
	    NULL, e) == -1)
		return -1;
	child_close_stdin(c->child);
	return 0;
}
