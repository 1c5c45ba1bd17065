/* SPDX-License-Identifier: ISC */
/* --wait: hosts that are down, have no prompt yet, or boot. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "run.h"

#define PAUSE_MS	500u
#define PAUSE_MAX_MS	5000u

void
wait_over(struct run_host *h)
{
	char why[BOOTLINE_TEXT + 80];

	if (h->booting) {
		snprintf(why, sizeof(why), "its own sshd was not seen in time: "
		    "%s", h->asks[0] != '\0' ? h->asks :
		    h->wait_why[0] != '\0' ? h->wait_why : "no answer");
		bootreport_state(h->run->report, h->i, PROGRESS_WARN,
		    "booting", why);
		run_over(h, BOOTREPORT_LATER);
		return;
	}
	snprintf(why, sizeof(why), "not in time: %s", h->wait_why[0] != '\0' ?
	    h->wait_why : "no answer");
	run_fail(h, true, h->idle ? "idle" : "unreachable", why);
}

/* Once a reason, of which NULL is none; the state was said when it began to
 * boot. */
static void
show(struct run_host *h, const char *why)
{
	bool same;

	if (why == NULL)
		return;
	same = strncmp(h->wait_why, why, sizeof(h->wait_why) - 1) == 0;
	snprintf(h->wait_why, sizeof(h->wait_why), "%.*s",
	    (int)sizeof(h->wait_why) - 1, why);
	if (!same && !h->booting)
		bootreport_state(h->run->report, h->i, PROGRESS_RUN,
		    "waiting", why);
}

void
wait_more(struct run_host *h, const char *why, bool look)
{
	struct run *r = h->run;

	/* Why one that boots is not up: that is what it is looked at for. */
	show(h, look && h->booting ? NULL : why);
	h->phase = RUN_LIST;
	run_free(h);
	if (r->halted && !h->booting) {
		run_fail(h, true, "left out",
		    "after a rejection elsewhere; --keep-going");
		return;
	}
	if (r->waited) {
		wait_over(h);
		return;
	}
	h->look = look && !h->blind;
	if (h->look)
		return;
	if (h->key_why[0] != '\0' && !h->booting) {
		run_fail(h, false, "failed", h->key_why);
		return;
	}
	h->pause_ms = h->pause_ms == 0 ? PAUSE_MS : h->pause_ms * 2;
	if (h->pause_ms > PAUSE_MAX_MS)
		h->pause_ms = PAUSE_MAX_MS;
	h->due_ms = loop_now_ms(r->loop) + h->pause_ms;
}

/* A key that isn't known: no error of a host that was given nothing yet and
 * that merely can't be told to be up. */
static void
unknown(struct run_host *h, const struct real_end *end)
{
	if (h->booting) {
		run_fail(h, false, "failed", end->why);
		return;
	}
	h->blind = true;
	wait_more(h, NULL, false);
}

static void
on_real(void *arg, const struct real_end *end)
{
	struct run_host *h = arg;

	switch (end->word) {
	case REAL_UP:
		bootreport_state(h->run->report, h->i, PROGRESS_GOOD, "up",
		    NULL);
		run_over(h, BOOTREPORT_OK);
		return;
	case REAL_KEY:
		run_fail(h, false, "failed", h->key_why[0] != '\0' &&
		    !h->booting ? h->key_why : end->why);
		return;
	case REAL_UNKNOWN:
		unknown(h, end);
		return;
	case REAL_BOOT:
	case REAL_AGAIN:
		/* Why there is no prompt says more, until there need be none.
		 */
		wait_more(h, h->booting ? end->why : NULL, false);
		return;
	}
}

void
wait_look(struct run_host *h)
{
	struct run *r = h->run;
	struct real_spec s = { .o = r->o, .host = h->spec,
	    .pins = run_pins(h), .index = h->i, .on_end = on_real, .arg = h };
	struct err e = ERR_INIT;

	if (r->dir.len == 0 && real_enter(&r->dir, &e) == -1) {
		run_fail(h, false, "failed", e.msg);
		return;
	}
	s.dir = r->dir.data;
	h->real = real_start(r->loop, &s, &e);
	if (h->real == NULL)
		run_fail(h, false, "failed", e.msg);
}
