/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/esc.h"
#include "run.h"

static const char nothing[] = "no prompt waits there";

const struct bootcmd *
list_command(const struct run *r)
{
	static const struct bootcmd first[] = {
		[BOOT_UNLOCK] = { .verb = BOOTCMD_LIST },
		[BOOT_STATUS] = { .verb = BOOTCMD_LIST },
		[BOOT_PEEK] = { .verb = BOOTCMD_PEEK },
		[BOOT_LOG] = { .verb = BOOTCMD_LOG },
	};

	return &first[r->o->action];
}

static void
note_prompt(struct run_host *h, const struct bootline_prompt *p)
{
	struct run_prompt *q = h->prompts;

	while (q < h->prompts + h->nprompts && strcmp(q->p.id, p->id) != 0)
		q++;
	if (q == h->prompts + h->nprompts) {
		if (h->nprompts == RUN_PROMPTS || h->twice)
			return;
		h->nprompts++;
		*q = (struct run_prompt){ .p = *p, .mark = RUN_LISTED };
		bootreport_prompt(h->run->report, h->i, p);
	} else if (q->mark == RUN_LISTED) {
		h->twice = true;
	} else if (q->mark == RUN_SEEN || q->anew) {
		q->p = *p;
		q->mark = RUN_LISTED;
		q->anew = false;
	} else {
		h->relisted = q;
	}
}

static void
on_line(void *arg, const struct bootline *l)
{
	struct run_host *h = arg;
	struct run *r = h->run;

	if (l->kind == BOOTLINE_SCREEN && r->o->action == BOOT_PEEK)
		bootreport_screen(r->report, h->i, l->text);
	if (l->kind == BOOTLINE_LOG && r->o->action == BOOT_LOG)
		bootreport_log(r->report, h->i, &l->log);
	if (l->kind == BOOTLINE_PROMPT)
		note_prompt(h, &l->prompt);
}

static size_t
listed(const struct run_host *h)
{
	size_t i, n = 0;

	for (i = 0; i < h->nprompts; i++)
		n += h->prompts[i].mark == RUN_LISTED;
	return n;
}

static bool
keep(void *arg)
{
	const struct run_host *h = arg;

	return listed(h) > 0 && !h->twice;
}

/* It was booted once more, perhaps, and the disk that was open is closed. A
 * passphrase that nobody saw open one may be wrong: not that a second time. */
static void
away(struct run_host *h)
{
	size_t i;

	for (i = 0; i < h->nprompts; i++)
		h->prompts[i].anew = h->prompts[i].mark == RUN_DONE &&
		    h->prompts[i].open;
}

/* Whether it asks for what it was given: a person may know more. */
static void
note_asks(struct run_host *h, const struct run_prompt *p)
{
	bool had = h->asks[0] != '\0';

	h->asks[0] = '\0';
	if (p != NULL)
		snprintf(h->asks, sizeof(h->asks), "it asks again, or still: "
		    "%s", p->p.id);
	if (h->booting && (p != NULL) != had)
		bootreport_state(h->run->report, h->i, PROGRESS_RUN, "booting",
		    p != NULL ? h->asks : NULL);
}

/* It didn't say all: whether that may become other, with --wait. */
static void
broken(struct run_host *h, const struct call_end *end)
{
	if (h->run->wait_end_ms == 0 || (!end->again && !end->host_key &&
	    !h->booting)) {
		run_fail(h, end->again, end->again ? "unreachable" : "failed",
		    end->why);
		return;
	}
	h->idle = false;
	away(h);
	note_asks(h, NULL);
	/* Where both systems have one port, it may be the real one's. */
	h->key_why[0] = '\0';
	if (end->host_key)
		snprintf(h->key_why, sizeof(h->key_why), "%.*s",
		    (int)sizeof(h->key_why) - 1, end->why);
	wait_more(h, end->why, true);
}

static void
on_end(void *arg, const struct call_end *end)
{
	struct run_host *h = arg;
	struct run *r = h->run;
	char count[32];

	if (!end->whole) {
		broken(h, end);
		return;
	}
	if (h->twice) {
		run_fail(h, false, "failed", "it lists one prompt twice");
		return;
	}
	if (r->o->action == BOOT_PEEK || r->o->action == BOOT_LOG) {
		bootreport_state(r->report, h->i, PROGRESS_GOOD, "seen", NULL);
		run_over(h, BOOTREPORT_OK);
		return;
	}
	if (listed(h) == 0 && r->o->action == BOOT_STATUS) {
		bootreport_state(r->report, h->i, PROGRESS_GOOD, "idle",
		    nothing);
		run_over(h, BOOTREPORT_OK);
	} else if (listed(h) == 0 && r->wait_end_ms != 0) {
		h->idle = true;
		note_asks(h, h->relisted);
		wait_more(h, h->asks[0] != '\0' ? h->asks : nothing, true);
	} else if (listed(h) == 0) {
		/* sshd may be up before the prompt. */
		run_fail(h, true, "idle", nothing);
	} else {
		snprintf(count, sizeof(count), "%zu", listed(h));
		bootreport_state(r->report, h->i, PROGRESS_RUN, "prompt seen",
		    count);
		if (r->o->action == BOOT_STATUS) {
			run_over(h, BOOTREPORT_OK);
			return;
		}
		h->phase = RUN_ASK;
		h->booting = false;
		h->wait_why[0] = '\0';
		h->asks[0] = '\0';
		run_rest(h);
	}
}

void
list_start(struct run_host *h)
{
	struct run *r = h->run;
	const struct call_spec s = { .o = r->o, .host = h->spec,
	    .known_hosts = run_pins(h), .cmd = list_command(r),
	    .on_line = on_line, .on_end = on_end, .arg = h,
	    .keep = r->o->action == BOOT_UNLOCK ? keep : NULL };
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < h->nprompts; i++)
		if (h->prompts[i].mark == RUN_LISTED)
			h->prompts[i].mark = RUN_SEEN;
	h->twice = false;
	h->relisted = NULL;
	/* A state of --wait stays until there is another. */
	if (h->wait_why[0] == '\0' && !h->booting)
		bootreport_state(r->report, h->i, PROGRESS_RUN, "connecting",
		    NULL);
	h->call = call_start(r->loop, &s, &e);
	if (h->call == NULL)
		run_fail(h, false, "failed", e.msg);
}

int
list_show(const struct run *r, struct err *e)
{
	struct strv argv;
	struct buf b;
	size_t i, j;
	int rc = 0;

	for (i = 0; i < r->o->nhosts && rc == 0; i++) {
		const struct call_spec s = { .o = r->o,
		    .host = &r->o->hosts[i],
		    .known_hosts = run_pins(&r->hosts[i]),
		    .cmd = list_command(r) };

		argv = (struct strv){ .n = 0 };
		buf_init(&b, 65536);
		rc = call_argv(&s, &argv, e);
		for (j = 0; j < argv.n && rc == 0; j++)
			if ((j > 0 && buf_addc(&b, ' ') == -1) ||
			    esc_sh(&b, argv.v[j]) == -1)
				rc = err_set(e, ERR_MEM, "out of memory");
		if (rc == 0 && (puts(b.data) == EOF || fflush(stdout) == EOF))
			rc = err_sys(e, "standard output");
		strv_clear(&argv);
		buf_clear(&b);
	}
	return rc;
}
