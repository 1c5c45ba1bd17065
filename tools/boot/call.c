/* SPDX-License-Identifier: ISC */
#include "call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "proc/child.h"
#include "sshsaid.h"
#include "ui/log.h"

#define LINES_MAX	1000	/* an honest agent says fewer */
#define SSH_FAILED	255
#define IDLE_MS	90000u	/* of a session that is kept: the agent has 60 s */

struct call {
	struct call_spec spec;
	struct child *child;
	unsigned lines;
	bool hello, end, bad;
	bool open;		/* a session, whose input is not at its end */
	bool more;		/* of a call_more() */
	bool heard;		/* the agent has begun to answer */
	bool told;		/* on_end was called */
	struct sshsaid said;
};

int
call_argv(const struct call_spec *s, struct strv *out, struct err *e)
{
	struct sshargv_opts so = { .program = s->o->ssh,
	    .config = s->o->ssh_config, .user = s->host->user,
	    .connect_timeout_s = (unsigned)((s->o->connect_ms + 999) / 1000) };
	struct strv options = { .n = 0 };
	struct buf cmd;
	int rc = -1;

	buf_init(&cmd, 512);
	if (bootpins_options(s->known_hosts, s->host->name, &options, e) == -1)
		goto out;
	if ((s->host->port != 0 && strv_addf(&options, "Port=%" PRIu64,
	    s->host->port) == -1) || (s->host->key != NULL &&
	    (strv_addf(&options, "IdentityFile=\"%s\"", s->host->key) == -1 ||
	    strv_add(&options, "IdentitiesOnly=yes") == -1)) ||
	    (s->o->ssh_options.n > 0 &&
	    strv_addv(&options, s->o->ssh_options.v) == -1) ||
	    bootcmd_emit(s->cmd, &cmd) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	so.options = &options;
	rc = sshargv_build(&so, s->host->dest, cmd.data, out, e);
out:
	strv_clear(&options);
	buf_clear(&cmd);
	return rc;
}

static void
why_changed(const struct call *c, struct buf *out)
{
	(void)buf_adds(out, "the boot host key changed: pinned ");
	sshsaid_keys(&c->said, c->spec.known_hosts, out);
	(void)buf_adds(out, ". If the image was built anew with another key, "
	    "put that into the file; if it shows the real system's key, that "
	    "is up; otherwise somebody answers in its place");
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
	} else if (c->said.fail == SSHFAIL_HOSTKEY_CHANGED) {
		why_changed(c, out);
	} else if (c->said.fail == SSHFAIL_HOSTKEY_UNKNOWN) {
		(void)buf_addf(out, "its boot host key is not pinned: put a "
		    "line '");
		(void)bootpins_name(c->spec.host->name, out, NULL);
		(void)buf_addf(out, " KEY' into %s, with KEY from where the "
		    "image was built", c->spec.known_hosts);
	} else {
		if (c->said.fail != SSHFAIL_OTHER)
			(void)buf_addf(out, "%s: ",
			    sshargv_failname(c->said.fail));
		if (lost(c, end))
			(void)buf_adds(out, "the connection was lost: ");
		(void)buf_adds(out, c->said.words[0] != '\0' ?
		    c->said.words : status);
	}
}

/* end: ssh's; NULL: its session is kept. c may be gone afterwards. */
static void
tell(struct call *c, const struct child_end *end)
{
	struct call_end ce = { .whole = c->end && !c->bad };
	struct buf b;

	c->told = true;
	if (!ce.whole) {
		buf_init(&b, sizeof(ce.why) - 1);
		why(c, end, &b);
		snprintf(ce.why, sizeof(ce.why), "%s", b.data);
		buf_clear(&b);
		ce.host_key = c->said.fail == SSHFAIL_HOSTKEY_CHANGED ||
		    c->said.fail == SSHFAIL_HOSTKEY_UNKNOWN;
		ce.again = !c->bad && (end->timed_out || lost(c, end) ||
		    c->said.fail == SSHFAIL_UNREACHABLE ||
		    c->said.fail == SSHFAIL_LOST);
		ce.unheard = c->more && !c->heard && !c->bad;
	}
	c->spec.on_end(c->spec.arg, &ce);
}

/* Whether the session is kept; if not, ssh ends by itself. */
static bool
keep(struct call *c)
{
	c->open = c->open && c->spec.keep != NULL &&
	    c->spec.keep(c->spec.arg);
	if (!c->open)
		child_close_stdin(c->child);
	return c->open;
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
		/* Once the agent has spoken what comes may be its words. */
		sshsaid_note(&c->said, line, c->hello);
		log_debug("%s: %s", c->spec.host->name, line);
		return;
	}
	if (c->bad || (c->end && !c->open))
		return;
	/* Nor does an agent speak that wasn't asked. */
	if (c->end || cut || strlen(line) != len || ++c->lines > LINES_MAX ||
	    bootline_parse(line, &l, NULL) == -1 ||
	    (l.kind == BOOTLINE_HELLO) == c->hello) {
		c->bad = true;
		child_kill(c->child, SIGTERM);
		return;
	}
	if (!c->heard)
		child_deadline(c->child, c->spec.timeout_ms);
	c->heard = true;
	if (l.kind == BOOTLINE_HELLO) {
		c->hello = true;
	} else if (l.kind == BOOTLINE_END) {
		c->end = true;
		if (keep(c)) {
			/* The agent's own minute is what counts now; one that
			 * doesn't keep to it holds nothing for ever. */
			child_deadline(c->child, IDLE_MS);
			tell(c, NULL);
		}
	} else {
		c->spec.on_line(c->spec.arg, &l);
	}
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct call *c = arg;

	c->open = false;
	if (!c->told)
		tell(c, end);
}

static void
take(struct call *c, const struct call_spec *s)
{
	c->spec = *s;
	if (s->timeout_ms == 0)
		c->spec.timeout_ms = s->o->timeout_ms;
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
	take(c, s);
	c->open = s->keep != NULL && s->cmd->verb == BOOTCMD_LIST;
	if (call_argv(s, &argv, e) == 0) {
		cs.argv = argv.v;
		c->child = child_start(l, &cs, e);
	}
	strv_clear(&argv);
	if (c->child == NULL) {
		free(c);
		return NULL;
	}
	/* Only an unlock has something to say, and a session. */
	if (s->cmd->verb != BOOTCMD_UNLOCK && !c->open)
		child_close_stdin(c->child);
	return c;
}

bool
call_stands(const struct call *c)
{
	return c->open && c->told && !c->bad;
}

int
call_more(struct call *c, const struct call_spec *s, struct err *e)
{
	struct buf line;
	int rc;

	if (!call_stands(c))
		return err_set(e, ERR_PEER, "its session is over");
	buf_init(&line, BOOTLINE_MAX);
	if (bootcmd_emit(s->cmd, &line) == -1 || buf_addc(&line, '\n') == -1)
		rc = err_set(e, ERR_MEM, "out of memory");
	else
		rc = child_send(c->child, line.data, line.len, e);
	buf_clear(&line);
	if (rc == -1)
		return -1;
	take(c, s);
	c->more = true;
	c->end = c->heard = c->told = false;
	c->lines = 0;
	child_deadline(c->child, s->o->connect_ms);
	return 0;
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
	(void)keep(c);
	return 0;
}
