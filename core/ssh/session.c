/* SPDX-License-Identifier: ISC */
#include "ssh/session.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/esc.h"

/*
 * The bootstrap. Inside single quotes every login shell (sh, bash, zsh, csh,
 * tcsh, fish) takes it as it is, as long as it has no single quote, newline,
 * '!' (csh's history), or two backslashes in a row (fish). read takes one
 * byte at a time from a pipe, so what follows #END stays there for the
 * script. Without #END nothing runs: half a script never does.
 */
#define BOOT \
	"n=$(printf \"\\n.\");n=${n%.};s=;e=;" \
	"while IFS= read -r l;do case $l in \"#END\")e=1;break;;esac;" \
	"s=$s$l$n;done;test \"$e\"||exit 65;unset l n e;eval \"$s\""

#define END_LINE "#END"
#define EVENT "postern "
#define TEXT_MAX ((size_t)1 << 19)
#define LINE_BYTES 16384
#define NOISE_MAX 200
#define SSH_FAILED 255
#define UNREAD (1 << 8)		/* exit status 1, as waitpid(2) has it */

struct session {
	struct loop *loop;
	struct session_spec spec;	/* pointers gone after the start */
	bool over_ssh;
	struct child *child;
	struct loop_timer *beat;
	bool had_event;
	enum sshfail fail;
	char *words;		/* last meaningful words on stderr, or NULL */
};

static bool
has_end_line(const char *text)
{
	const size_t len = strlen(END_LINE);
	const char *p = text;

	while (p != NULL) {
		if (strncmp(p, END_LINE, len) == 0 &&
		    (p[len] == '\n' || p[len] == '\0'))
			return true;
		p = strchr(p, '\n');
		p = p != NULL ? p + 1 : NULL;
	}
	return false;
}

/* One "name=value" as a shell assignment. */
static int
add_var(struct buf *out, const char *var, struct err *e)
{
	size_t n = strcspn(var, "=");
	size_t ok = strspn(var, "abcdefghijklmnopqrstuvwxyz0123456789_");

	if (var[n] != '=' || n == 0 || ok < n ||
	    (var[0] >= '0' && var[0] <= '9'))
		return err_set(e, ERR_CONFIG,
		    "not a name for a variable: '%.*s'", (int)(n < 64 ? n : 64),
		    var);
	if (has_end_line(var + n + 1))
		return err_set(e, ERR_CONFIG,
		    "the value of %.*s has a line " END_LINE, (int)n, var);
	if (buf_add(out, var, n + 1) == -1 ||
	    esc_sh(out, var + n + 1) == -1 || buf_addc(out, '\n') == -1)
		return err_set(e, ERR_MEM, "the script is too long");
	return 0;
}

/* What goes to the bootstrap's stdin first. */
static int
script_text(const struct session_spec *s, struct buf *out, struct err *e)
{
	size_t i;

	if (has_end_line(s->script))
		return err_set(e, ERR_CONFIG, "the script has a line "
		    END_LINE);
	for (i = 0; s->vars != NULL && i < s->vars->n; i++)
		if (add_var(out, s->vars->v[i], e) == -1)
			return -1;
	/* No sshd of ours is above a script on this machine. */
	if (s->dest == NULL && buf_adds(out, "here=1\n") == -1)
		return err_set(e, ERR_MEM, "the script is too long");
	if (buf_adds(out, s->script) == -1 ||
	    buf_adds(out, "\n" END_LINE "\n") == -1)
		return err_set(e, ERR_MEM, "the script is too long");
	return 0;
}

int
session_argv(const struct session_spec *s, struct strv *out, struct err *e)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./- ";
	struct buf cmd;
	int rc = -1;

	buf_init(&cmd, 4096);
	if (s->become != NULL && s->become[strspn(s->become, plain)] != '\0') {
		err_set(e, ERR_CONFIG, "only plain words can be used to "
		    "become another user: %s", s->become);
		goto out;
	}
	if (buf_addf(&cmd, "exec %s%ssh -c '", s->become != NULL ?
	    s->become : "", s->become != NULL ? " " : "") == -1 ||
	    buf_adds(&cmd, BOOT "'") == -1) {
		err_set(e, ERR_MEM, "too long: %s", s->become);
		goto out;
	}
	if (s->dest != NULL) {
		rc = sshargv_build(s->ssh, s->dest, cmd.data, out, e);
	} else if (strv_add(out, "sh") == 0 && strv_add(out, "-c") == 0 &&
	    strv_add(out, cmd.data) == 0) {
		rc = 0;
	} else {
		err_set(e, ERR_MEM, "out of memory");
	}
out:
	buf_clear(&cmd);
	return rc;
}

/* "postern EVENT [TEXT]": splits it in place of the copy. */
static bool
event(struct session *s, const char *line)
{
	char ev[64];
	const char *text;
	size_t n;

	if (strncmp(line, EVENT, strlen(EVENT)) != 0)
		return false;
	line += strlen(EVENT);
	n = strcspn(line, " ");
	if (n == 0 || n >= sizeof(ev))
		return false;
	memcpy(ev, line, n);
	ev[n] = '\0';
	text = line[n] == ' ' ? line + n + 1 : "";
	if (!s->had_event) {
		s->had_event = true;
		child_deadline(s->child, s->spec.run_ms);
	}
	if (s->spec.on_event != NULL)
		s->spec.on_event(s->spec.arg, ev, text);
	return true;
}

/* Keeps what may explain a failure: the line that means the worst, else the
 * last one. Once the script has spoken its own words can't pass for ssh's,
 * but for a lost connection. */
static void
note_words(struct session *s, const char *line)
{
	enum sshfail f = s->over_ssh ? sshargv_fail(line) : SSHFAIL_OTHER;
	char *copy;

	if (s->had_event && f != SSHFAIL_LOST)
		f = SSHFAIL_OTHER;
	if (line[strspn(line, " \t")] == '\0' || f < s->fail)
		return;
	copy = strndup(line, NOISE_MAX);
	if (copy == NULL)
		return;
	free(s->words);
	s->words = copy;
	s->fail = f;
}

static void
on_line(void *arg, enum child_stream stream, const char *line, size_t len,
    bool cut)
{
	struct session *s = arg;
	char copy[LINE_BYTES + 1];

	/* ssh ends its own lines with CR LF. */
	if (len > 0 && line[len - 1] == '\r') {
		memcpy(copy, line, --len);
		copy[len] = '\0';
		line = copy;
	}
	if (!cut && strlen(line) == len && event(s, line))
		return;
	if (stream == CHILD_STDERR)
		note_words(s, line);
	if (s->spec.on_noise != NULL)
		s->spec.on_noise(s->spec.arg, stream, line);
}

static void
why(const struct session *s, const struct child_end *end, char *out,
    size_t cap)
{
	char status[64];
	struct buf b;

	buf_init(&b, cap - 1);
	child_why(end->status, status, sizeof(status));
	if (end->io_errno != 0)
		buf_addf(&b, "can't read what it says: %s",
		    strerror(end->io_errno));
	else if (end->timed_out)
		buf_adds(&b, s->had_event ? "timed out" :
		    "timed out before it answered");
	else if (s->words == NULL || end->status == 0)
		buf_adds(&b, status);
	if (s->words != NULL && end->status != 0) {
		if (b.len > 0)
			buf_adds(&b, ": ");
		/* Escaping may make it four times as long: then a part. */
		if (esc_text(&b, s->words, strlen(s->words)) == -1 &&
		    esc_text(&b, s->words, strnlen(s->words,
		    (cap - 1 - b.len) / 4)) == -1)
			buf_adds(&b, status);
	}
	snprintf(out, cap, "%s", b.data);
	buf_clear(&b);
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct session *s = arg;
	struct session_end se = { .status = end->status,
		.timed_out = end->timed_out, .had_event = s->had_event };

	loop_timer_free(s->beat);
	s->beat = NULL;
	if (end->io_errno != 0 && end->status == 0)
		se.status = UNREAD;
	if (end->timed_out || (WIFEXITED(end->status) &&
	    WEXITSTATUS(end->status) == SSH_FAILED))
		se.fail = s->fail;
	why(s, end, se.why, sizeof(se.why));
	s->spec.on_end(s->spec.arg, &se);
}

static void
on_raw(void *arg, const void *data, size_t len)
{
	struct session *s = arg;

	if (s->spec.on_raw != NULL)
		s->spec.on_raw(s->spec.arg, data, len);
}

static void
on_raw_eof(void *arg)
{
	struct session *s = arg;

	if (s->spec.on_raw_eof != NULL)
		s->spec.on_raw_eof(s->spec.arg);
}

static void
on_drain(void *arg)
{
	struct session *s = arg;

	if (s->spec.on_drain != NULL)
		s->spec.on_drain(s->spec.arg);
}

/* A peer that doesn't read gets no more: one beat in the queue says it. */
static void
on_beat(void *arg)
{
	struct session *s = arg;

	if (child_queued(s->child) == 0)
		child_send(s->child, "beat\n", 5, NULL);
}

static int
start_child(struct session *s, char *const *argv, struct err *e)
{
	struct child_spec c = {
		.argv = argv,
		.io = { CHILD_PIPE, CHILD_PIPE, CHILD_PIPE },
		.own_group = true,
		.keep_on_death = s->spec.dest == NULL,
		.line_max = LINE_BYTES,
		.timeout_ms = s->spec.connect_ms,
		.on_line = on_line,
		.on_raw = on_raw,
		.on_raw_eof = on_raw_eof,
		.on_drain = on_drain,
		.on_end = on_end,
		.arg = s,
	};

	s->child = child_start(s->loop, &c, e);
	return s->child != NULL ? 0 : -1;
}

struct session *
session_start(struct loop *l, const struct session_spec *spec, struct err *e)
{
	struct session *s = calloc(1, sizeof(*s)), *ret = NULL;
	struct strv argv = { 0 };
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (s == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	s->loop = l;
	s->spec = *spec;
	s->over_ssh = spec->dest != NULL;
	if (session_argv(spec, &argv, e) == -1 ||
	    script_text(spec, &text, e) == -1 ||
	    start_child(s, argv.v, e) == -1 ||
	    child_send(s->child, text.data, text.len, e) == -1)
		goto out;
	if (spec->beat_ms > 0) {
		s->beat = loop_timer_new(l, spec->beat_ms, spec->beat_ms,
		    on_beat, s, e);
		if (s->beat == NULL)
			goto out;
	}
	ret = s;
out:
	if (ret == NULL)
		session_free(s);
	buf_clear(&text);
	strv_clear(&argv);
	return ret;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	loop_timer_free(s->beat);
	child_free(s->child);
	free(s->words);
	free(s);
}

struct child *
session_child(struct session *s)
{
	return s->child;
}

void
session_raw(struct session *s)
{
	loop_timer_free(s->beat);
	s->beat = NULL;
	child_raw(s->child);
}

void
session_run_ms(struct session *s, uint64_t ms)
{
	child_deadline(s->child, ms);
}
