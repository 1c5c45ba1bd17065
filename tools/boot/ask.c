/* SPDX-License-Identifier: ISC */
/*
 * Where passphrases come from. What a person types or a command prints may take
 * its time, and connections of other hosts go on meanwhile: so another process
 * of this program reads it, one at a time, since there is one terminal; and
 * hands it over by a pipe, read whole once that process has ended.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/esc.h"
#include "base/num.h"
#include "bootsecret.h"
#include "proc/child.h"
#include "run.h"
#include "ui/log.h"

#define SAID_MAX 56	/* bytes, and so columns at most, of what a host says */
#define GRACE_MS 15000	/* beyond the time for an answer */
#define PIPE_MS	 1000
#define GOOD	 '+'	/* before a passphrase; otherwise a struct err's code */
#define BAD	 'A'

struct ask {
	struct run *run;
	struct run_host *host;
	struct run_prompt *prompt;	/* NULL: for all with its source */
	struct child *child;
	int fd;				/* of the pipe */
};

/* The other process */

int
ask_main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct secret *s = NULL;
	char text[ERR_MSG_MAX + 1];
	uint64_t ms = 0;
	int n;

	if (argc == 5 && num_u64(argv[4], "time", 0, UINT32_MAX, &ms, &e) == 0)
		s = bootsecret_read(argv[2], argv[3], (unsigned)ms, &e);
	if (s != NULL) {
		n = write(STDOUT_FILENO, "+", 1) == 1 &&
		    secret_write(s, STDOUT_FILENO, &e) == 0;
		secret_free(s);
		return n ? 0 : 1;
	}
	n = snprintf(text, sizeof(text), "%c%s", BAD + (int)e.code, e.msg);
	return n > 0 && write(STDOUT_FILENO, text, (size_t)n) == n ? 0 : 1;
}

/* What is asked */

/* A line of what the host says: escaped, its blanks narrowed, and so short that
 * it doesn't wrap into a second one. */
static void
add_said(struct buf *out, const char *what, const char *said)
{
	char text[BOOTLINE_ID];
	size_t n = 0;
	struct buf b;

	for (; *said != '\0' && n < sizeof(text); said++)
		if (*said != ' ' || (n > 0 && text[n - 1] != ' '))
			text[n++] = *said;
	buf_init(&b, 4 * sizeof(text));
	if (n > 0 && esc_text(&b, text, n) == 0) {
		for (n = b.len > SAID_MAX ? SAID_MAX : b.len; n < b.len &&
		    n > 0 && ((unsigned char)b.data[n] & 0xc0) == 0x80;)
			n--;
		(void)buf_addf(out, "%s %.*s%s\n", what, (int)n, b.data,
		    n < b.len ? "..." : "");
	}
	buf_clear(&b);
}

/* Our own words, and the host as it was named to us, stand last: nothing that a
 * host says can come behind them, or pass for them. */
static void
add_question(struct buf *out, const char *host, const struct bootline_prompt *p)
{
	(void)buf_adds(out, "(without echo; empty: leave it out)\n");
	add_said(out, "It waits at:", p->id);
	add_said(out, "It says:    ", p->name);
	(void)buf_addf(out, "Passphrase of %s: ", host);
}

/* A UUID that two hosts list: one of them may have it of the other. */
static int
check_uuids(const struct run_host *h, struct err *e)
{
	const struct run *r = h->run;
	const struct run_host *other;
	const char *uuid;
	size_t j, k, l;

	for (j = 0; j < h->nprompts; j++)
		for (k = 0; k < r->o->nhosts; k++) {
			other = &r->hosts[k];
			uuid = h->prompts[j].p.uuid;
			for (l = 0; l < other->nprompts && k != h->i; l++)
				if (uuid[0] != '\0' && strcasecmp(uuid,
				    other->prompts[l].p.uuid) == 0)
					return err_set(e, ERR_UNSAFE, "disk %s "
					    "is listed by %s, too: one is a "
					    "copy, or lies; not by {uuid}",
					    uuid, other->spec->name);
		}
	return 0;
}

/* How it is answered */

/* All that came by the pipe. Owned, or NULL with *e. */
static struct secret *
take(struct ask *a, const struct child_end *end, struct err *e)
{
	struct secret *all, *s = NULL;
	char status[64];
	size_t len;

	all = secret_read(a->fd, BOOTLINE_SECRET + ERR_MSG_MAX, PIPE_MS,
	    "passphrase", e);
	len = all != NULL ? secret_len(all) : 0;
	if (len > 1 && secret_data(all)[0] == GOOD) {
		s = secret_new(len - 1, e);
		if (s != NULL)
			memcpy(secret_data_mut(s), secret_data(all) + 1,
			    len - 1);
	} else if (len > 1) {
		err_set(e, (enum err_code)(secret_data(all)[0] - BAD), "%.*s",
		    (int)(len - 1), (const char *)secret_data(all) + 1);
	} else if (all != NULL) {
		child_why(end->status, status, sizeof(status));
		err_set(e, ERR_REFUSED, "no passphrase: %s", status);
	}
	secret_free(all);
	return s;
}

/* Every prompt of h that asks has one. */
static void
ready(struct run_host *h)
{
	h->phase = RUN_GIVE;
	h->next = 0;
	h->end_ms = 0;
	run_wake(h->run);
}

/* For all hosts that wait for that one. */
static void
share(struct run_host *first, struct secret *s, const struct err *e)
{
	struct run *r = first->run;
	struct run_host *h;
	size_t i;

	r->shared[first->i] = s;
	for (i = 0; i < r->o->nhosts; i++) {
		h = &r->hosts[i];
		if (h->phase == RUN_OVER || strcmp(h->spec->secret,
		    first->spec->secret) != 0)
			continue;
		h->shared = s;
		if (s == NULL)
			run_fail(h, false, "failed", e->msg);
		else if (h->phase == RUN_ASK)
			ready(h);
	}
}

/* A typed passphrase that is none. Others go on, whatever becomes of this one;
 * but for all of them nobody is there. */
static void
untyped(struct run_host *h, const struct run_prompt *p, const struct err *e)
{
	if (e->code == ERR_CONFIG)
		run_fail(h, true, "left out", "its answer was empty");
	else if (e->code == ERR_USAGE)	/* without one, it is asked again */
		log_warn("%s: %s: %s: type it again", h->spec->name, p->p.id,
		    e->msg);
	else if (e->code == ERR_TIMEOUT)
		run_fail(h, true, "failed", e->msg);
	else
		run_end(h->run, e);
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct ask *a = arg;
	struct run *r = a->run;
	struct run_host *h = a->host;
	struct run_prompt *p = a->prompt;
	struct err e = ERR_INIT;
	struct secret *s = take(a, end, &e);
	bool wanted = h->phase == RUN_ASK && !r->stopped;

	r->ask = NULL;
	ask_free(a);
	bootreport_pause(r->report, false);
	run_wake(r);
	if (!wanted)
		secret_free(s);
	else if (p == NULL)
		share(h, s, &e);
	else if (s != NULL)
		p->secret = s;
	else if (strcmp(h->spec->secret, "tty") == 0)
		untyped(h, p, &e);
	else
		run_fail(h, false, "failed", e.msg);
}

static int
start(struct ask *a, const char *spec, const char *question, struct err *e)
{
	char ms[24];
	char *argv[] = { "/proc/self/exe", ASK_OPTION, (char *)(uintptr_t)spec,
	    (char *)(uintptr_t)question, ms, NULL };
	struct child_spec cs = { .argv = argv,
	    .io = { CHILD_INHERIT, CHILD_FD, CHILD_INHERIT },
	    .timeout_ms = a->run->o->timeout_ms + GRACE_MS,
	    .on_end = on_end, .arg = a };
	int p[2];

	snprintf(ms, sizeof(ms), "%" PRIu64, a->run->o->timeout_ms);
	if (pipe2(p, O_CLOEXEC) == -1)
		return err_sys(e, "pipe");
	a->fd = p[0];
	cs.fd[1] = p[1];
	a->child = child_start(a->run->loop, &cs, e);
	close(p[1]);
	return a->child != NULL ? 0 : -1;
}

static void
ask(struct run_host *h, struct run_prompt *p)
{
	static const struct bootline_prompt nobodys = { .tries = -1 };
	const struct bootline_prompt *of = p != NULL ? &p->p : &nobodys;
	const char *host = p != NULL ? h->spec->name : "";
	struct ask *a = calloc(1, sizeof(*a));
	struct err e = ERR_INIT;
	struct buf spec, question;

	buf_init(&spec, 65536);
	buf_init(&question, 4096);
	add_question(&question, host, of);
	if (a == NULL) {
		err_set(&e, ERR_MEM, "out of memory");
		goto fail;
	}
	*a = (struct ask){ .run = h->run, .host = h, .prompt = p, .fd = -1 };
	if (bootsecret_expand(h->spec->secret, host, of->uuid, &spec,
	    &e) == -1)
		goto fail;
	bootreport_pause(h->run->report, true);
	if (start(a, spec.data, question.data, &e) == -1) {
		bootreport_pause(h->run->report, false);
		goto fail;
	}
	h->run->ask = a;
	goto out;
fail:
	ask_free(a);
	run_fail(h, false, "failed", e.msg);
out:
	buf_clear(&spec);
	buf_clear(&question);
}

void
ask_start(struct run_host *h)
{
	bool varies = bootsecret_varies(h->spec->secret);
	struct err e = ERR_INIT;
	size_t i;

	if (!varies && h->shared == NULL) {
		ask(h, NULL);
		return;
	}
	if (bootsecret_by_uuid(h->spec->secret) && check_uuids(h, &e) == -1) {
		run_fail(h, false, "failed", e.msg);
		return;
	}
	for (i = 0; varies && i < h->nprompts; i++)
		if (h->prompts[i].mark == RUN_LISTED &&
		    h->prompts[i].secret == NULL) {
			ask(h, &h->prompts[i]);
			return;
		}
	ready(h);
}

void
ask_first(struct run *r)
{
	struct run_host *h;
	struct secret *s;
	struct err e;
	size_t i;

	for (i = 0; i < r->o->nhosts; i++) {
		h = &r->hosts[i];
		if (h->phase == RUN_OVER || h->shared != NULL ||
		    bootsecret_varies(h->spec->secret) ||
		    strncmp(h->spec->secret, "cmd:", 4) == 0)
			continue;
		e = (struct err)ERR_INIT;
		s = bootsecret_read(h->spec->secret, "",
		    (unsigned)r->o->timeout_ms, &e);
		share(h, s, &e);
	}
}

void
ask_cancel(struct ask *a)
{
	/* Not sooner: it turns the echo on again. */
	child_kill(a->child, SIGTERM);
}

const struct run_host *
ask_host(const struct ask *a)
{
	return a->host;
}

void
ask_free(struct ask *a)
{
	if (a == NULL)
		return;
	child_free(a->child);
	if (a->fd != -1)
		close(a->fd);
	free(a);
}
