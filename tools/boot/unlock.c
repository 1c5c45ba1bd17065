/* SPDX-License-Identifier: ISC */
#include "run.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/esc.h"
#include "bootsecret.h"
#include "ui/log.h"

/* What each verdict of an agent's comes to. */
static const struct verdict {
	const char *word;
	enum bootreport_verdict v;
	enum progress_kind kind;
} verdicts[] = {
	{ "accepted", BOOTREPORT_OK, PROGRESS_GOOD },
	{ "delivered", BOOTREPORT_LATER, PROGRESS_WARN },
	{ "rejected", BOOTREPORT_FAILED, PROGRESS_BAD },
	{ "gone", BOOTREPORT_LATER, PROGRESS_WARN },
	{ "busy", BOOTREPORT_LATER, PROGRESS_BAD },
	{ "refused", BOOTREPORT_FAILED, PROGRESS_BAD },
	{ "failed", BOOTREPORT_FAILED, PROGRESS_BAD },
};
#define FAILED (&verdicts[sizeof(verdicts) / sizeof(verdicts[0]) - 1])

#define SAID_MAX 56	/* bytes, and so columns at most, of what a host says */

static const char *
spec_of(const struct run *r)
{
	return r->o->secret != NULL ? r->o->secret : "tty";
}

static bool
has_prompts(const struct run_host *h)
{
	return h->nprompts > 0 && bootreport_verdict_of(h->run->report,
	    h->i) == BOOTREPORT_OPEN;
}

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
	add_said(out, "It waits at:", p->id);
	add_said(out, "It says:    ", p->name);
	(void)buf_addf(out, "Passphrase of %s: ", host);
}

/* The passphrase of one prompt. NULL with *e. */
static struct secret *
fetch(const struct run *r, const char *host, const struct bootline_prompt *p,
    struct err *e)
{
	struct secret *s = NULL;
	struct buf spec, ask;

	buf_init(&spec, 65536);
	buf_init(&ask, 4096);
	add_question(&ask, host, p);
	if (bootsecret_expand(spec_of(r), host, p->uuid, &spec, e) == 0)
		s = bootsecret_read(spec.data, ask.data,
		    (unsigned)r->o->timeout_ms, e);
	buf_clear(&spec);
	buf_clear(&ask);
	return s;
}

/* A UUID that two hosts list: one of them may have it of the other. */
static int
check_uuids(const struct run *r, size_t i, struct err *e)
{
	const struct run_host *h = &r->hosts[i], *other;
	size_t j, k, l;

	for (j = 0; j < h->nprompts; j++)
		for (k = 0; k < r->o->hosts.n; k++) {
			other = &r->hosts[k];
			for (l = 0; l < other->nprompts && k != i; l++)
				if (h->prompts[j].uuid[0] != '\0' &&
				    strcasecmp(h->prompts[j].uuid,
				    other->prompts[l].uuid) == 0)
					return err_set(e, ERR_UNSAFE, "disk %s "
					    "is listed by %s, too: one is a "
					    "copy, or lies; not by {uuid}",
					    h->prompts[j].uuid,
					    r->o->hosts.v[k]);
		}
	return 0;
}

static void
fail_fetch(struct run *r, size_t i, const char *why)
{
	bootreport_state(r->report, i, PROGRESS_BAD, "failed", why);
	bootreport_verdict(r->report, i, BOOTREPORT_FAILED);
}

/* All that will be delivered. A host whose passphrase can't be had fails; a
 * person who doesn't answer ends it all. */
static int
fetch_all(struct run *r, struct err *e)
{
	static const struct bootline_prompt any = { .tries = -1 };
	struct run_host *h;
	struct err why;
	size_t i, j;

	if (!bootsecret_varies(spec_of(r))) {
		r->shared = fetch(r, "", &any, e);
		return r->shared != NULL ? 0 : -1;
	}
	for (i = 0; i < r->o->hosts.n; i++) {
		h = &r->hosts[i];
		why = (struct err)ERR_INIT;
		if (has_prompts(h) && bootsecret_by_uuid(spec_of(r)) &&
		    check_uuids(r, i, &why) == -1)
			fail_fetch(r, i, why.msg);
		for (j = 0; j < h->nprompts && has_prompts(h); j++) {
			why = (struct err)ERR_INIT;
			h->secrets[j] = fetch(r, r->o->hosts.v[i],
			    &h->prompts[j], &why);
			if (h->secrets[j] != NULL)
				continue;
			if (strcmp(spec_of(r), "tty") == 0) {
				*e = why;
				return -1;
			}
			fail_fetch(r, i, why.msg);
		}
	}
	return 0;
}

static void begin_prompt(struct run_host *h);

static void
on_line(void *arg, const struct bootline *l)
{
	struct run_host *h = arg;
	struct run *r = h->run;
	struct secret *s = h->secrets[h->next] != NULL ?
	    h->secrets[h->next] : r->shared;
	struct err e = ERR_INIT;

	if (l->kind == BOOTLINE_VERDICT) {
		snprintf(h->word, sizeof(h->word), "%s", l->word);
		snprintf(h->why, sizeof(h->why), "%s", l->text);
		return;
	}
	if (l->kind != BOOTLINE_STATE)
		return;
	if (strcmp(l->word, "ready") != 0) {
		h->handed |= strcmp(l->word, "delivering") == 0 ||
		    strcmp(l->word, "waiting") == 0;
		bootreport_state(r->report, h->i, PROGRESS_RUN, l->word,
		    h->prompts[h->next].id);
		return;
	}
	if (h->sent || call_secret(h->call, s, &e) == -1)
		log_debug("%s: %s", r->o->hosts.v[h->i], e.msg);
	h->sent = true;
}

static const struct verdict *
verdict_of(const struct run_host *h)
{
	const struct verdict *v;

	for (v = verdicts; v != FAILED; v++)
		if (strcmp(v->word, h->word) == 0)
			return v;
	return FAILED;
}

static void
on_end(void *arg, const struct call_end *end)
{
	struct run_host *h = arg;
	struct run *r = h->run;
	const struct verdict *v;
	struct buf detail;

	if (h->word[0] == '\0' && end->again && h->handed) {
		/* Whatever comes of it, the agent goes on there. */
		snprintf(h->why, sizeof(h->why), "%.*s",
		    (int)sizeof(h->why) - 1, end->why);
		snprintf(h->word, sizeof(h->word), "delivered");
	} else if (!end->whole && h->word[0] == '\0') {
		run_fail(h, end->again, "failed", end->why);
		return;
	}
	v = verdict_of(h);
	buf_init(&detail, 1024);
	(void)buf_adds(&detail, h->prompts[h->next].id);
	if (h->why[0] != '\0')
		(void)buf_addf(&detail, ": %s", h->why);
	if (v->v != BOOTREPORT_OK && h->next + 1 < h->nprompts)
		bootreport_past(r->report, h->i, v->word, detail.data);
	bootreport_state(r->report, h->i, v->kind, v->word, detail.data);
	bootreport_verdict(r->report, h->i, v->v);
	buf_clear(&detail);
	if (strcmp(v->word, "rejected") == 0 && !r->o->keep_going) {
		/* Before this one makes room for another. */
		run_halt(r);
		run_ended(h);
		return;
	}
	if (++h->next < h->nprompts)
		begin_prompt(h);
	else
		run_ended(h);
}

static void
begin_prompt(struct run_host *h)
{
	uint64_t now = loop_now_ms(h->run->loop);
	struct run *r = h->run;
	struct bootcmd c = { .verb = BOOTCMD_UNLOCK };
	struct call_spec s = { .o = r->o, .known_hosts = r->pins.data,
	    .dest = r->o->hosts.v[h->i], .cmd = &c, .on_line = on_line,
	    .on_end = on_end, .arg = h };
	struct err e = ERR_INIT;

	memcpy(c.id, h->prompts[h->next].id, sizeof(c.id));
	h->word[0] = '\0';
	h->why[0] = '\0';
	h->sent = false;
	h->handed = false;
	/* As long as it likes, times so many prompts as it likes, would keep
	 * others from their turn. */
	if (h->end_ms == 0)
		h->end_ms = now + r->o->connect_ms + r->o->timeout_ms;
	if (now >= h->end_ms) {
		run_fail(h, true, "failed", "no time is left for its other "
		    "prompts");
		return;
	}
	s.timeout_ms = r->o->timeout_ms < h->end_ms - now ?
	    r->o->timeout_ms : h->end_ms - now;
	bootreport_state(r->report, h->i, PROGRESS_RUN, "connecting", c.id);
	call_free(h->call);
	h->call = call_start(r->loop, &s, &e);
	if (h->call == NULL)
		run_fail(h, false, "failed", e.msg);
}

int
unlock_prompts(struct run *r, struct err *e)
{
	size_t i, n = 0;
	int rc;

	for (i = 0; i < r->o->hosts.n; i++)
		n += has_prompts(&r->hosts[i]);
	if (n == 0)
		return 0;
	bootreport_pause(r->report, true);
	rc = fetch_all(r, e);
	bootreport_pause(r->report, false);
	return rc == 0 ? run_step(r, has_prompts, begin_prompt, e) : -1;
}
