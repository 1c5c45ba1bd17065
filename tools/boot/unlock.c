/* SPDX-License-Identifier: ISC */
#include "run.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
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

/* What counts in the end. With --wait a host is judged when it is up, or not in
 * time: but for what no waiting will mend. */
static void
judge(struct run_host *h, enum bootreport_verdict v)
{
	if (h->run->wait_end_ms == 0 || v == BOOTREPORT_FAILED)
		bootreport_verdict(h->run->report, h->i, v);
}

static void
on_line(void *arg, const struct bootline *l)
{
	struct run_host *h = arg;
	struct run_prompt *p = &h->prompts[h->next];
	struct err e = ERR_INIT;

	/* By a session not sooner: it may be over. */
	h->begun = true;
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
		bootreport_state(h->run->report, h->i, PROGRESS_RUN, l->word,
		    p->p.id);
		return;
	}
	if (h->sent || call_secret(h->call, p->secret != NULL ? p->secret :
	    h->shared, &e) == -1)
		log_debug("%s: %s", h->spec->name, e.msg);
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

/* The next prompt that has not been seen to, from i on; nprompts: none. */
static size_t
after(const struct run_host *h, size_t i)
{
	while (i < h->nprompts && h->prompts[i].mark != RUN_LISTED)
		i++;
	return i;
}

static bool
more(struct run_host *h)
{
	h->next = after(h, h->next);
	return h->next < h->nprompts;
}

static bool
keep(void *arg)
{
	const struct run_host *h = arg;

	return after(h, h->next + 1) < h->nprompts;
}

/* All its prompts have a verdict. */
static void
given(struct run_host *h)
{
	enum bootreport_verdict v = bootreport_verdict_of(h->run->report,
	    h->i);
	bool wait = h->run->wait_end_ms != 0, done = true;
	size_t i;

	for (i = 0; i < h->nprompts; i++)
		done &= h->prompts[i].mark == RUN_DONE;
	if (v == BOOTREPORT_FAILED || (!wait && v != BOOTREPORT_OK)) {
		run_over(h, v);
		return;
	}
	if (done)
		bootreport_state(h->run->report, h->i, wait ? PROGRESS_RUN :
		    PROGRESS_GOOD, "booting", NULL);
	if (!wait) {
		run_over(h, v);
		return;
	}
	if (done) {
		h->booting = true;
		h->blind = false;
		h->pause_ms = 0;
	}
	wait_more(h, done ? "" : h->word, false);
}

static void
judged(struct run_host *h, const struct verdict *v)
{
	struct run_prompt *p = &h->prompts[h->next];
	struct buf detail;
	bool last;

	/* What is asked for again has to be given again. */
	p->mark = v->v == BOOTREPORT_OK || strcmp(v->word, "delivered") == 0 ?
	    RUN_DONE : RUN_SEEN;
	p->open = v->v == BOOTREPORT_OK;
	last = !more(h);
	buf_init(&detail, 1024);
	(void)buf_adds(&detail, p->p.id);
	if (h->why[0] != '\0')
		(void)buf_addf(&detail, ": %s", h->why);
	if (v->v != BOOTREPORT_OK && !last)
		bootreport_past(h->run->report, h->i, v->word, detail.data);
	bootreport_state(h->run->report, h->i, v->kind, v->word, detail.data);
	judge(h, v->v);
	buf_clear(&detail);
	if (strcmp(v->word, "rejected") == 0 && !h->spec->keep_going) {
		/* Before this one makes room for another. */
		run_halt(h->run);
		run_over(h, v->v);
	} else if (last) {
		given(h);
	} else {
		run_rest(h);
	}
}

static void
on_end(void *arg, const struct call_end *end)
{
	struct run_host *h = arg;

	if (end->unheard) {
		/* Its turn is still that of the same prompt. */
		run_free(h);
		return;
	}
	if (h->word[0] == '\0' && end->again && h->handed) {
		/* Whatever comes of it, the agent goes on there. */
		snprintf(h->why, sizeof(h->why), "%.*s",
		    (int)sizeof(h->why) - 1, end->why);
		snprintf(h->word, sizeof(h->word), "delivered");
	} else if (!end->whole && h->word[0] == '\0' && end->again &&
	    h->run->wait_end_ms != 0) {
		wait_more(h, end->why, false);
		return;
	} else if (!end->whole && h->word[0] == '\0') {
		run_fail(h, end->again, "failed", end->why);
		return;
	}
	judged(h, verdict_of(h));
}

/* By the session of the list, or of the prompt before; where there is none any
 * more, by a login of its own. */
void
unlock_start(struct run_host *h)
{
	struct run *r = h->run;
	uint64_t now = loop_now_ms(r->loop);
	struct bootcmd c = { .verb = BOOTCMD_UNLOCK };
	struct call_spec s = { .o = r->o, .host = h->spec,
	    .known_hosts = run_pins(h), .cmd = &c, .on_line = on_line,
	    .on_end = on_end, .keep = keep, .arg = h };
	struct err e = ERR_INIT;

	/* One that is done has nothing to ask for. */
	if (!more(h)) {
		given(h);
		return;
	}
	memcpy(c.id, h->prompts[h->next].p.id, sizeof(c.id));
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
	if (h->call != NULL && call_more(h->call, &s, &e) == 0)
		return;
	h->begun = true;
	call_free(h->call);
	bootreport_state(r->report, h->i, PROGRESS_RUN, "connecting", c.id);
	e = (struct err)ERR_INIT;
	h->call = call_start(r->loop, &s, &e);
	if (h->call == NULL)
		run_fail(h, false, "failed", e.msg);
}
