/* SPDX-License-Identifier: ISC */
/*
 * fanout: one script on every host of the plan, at most -j at once, each to
 * its end: what --setup, --check --hosts, --cage and --verify are made of.
 */
#ifndef POSTERN_FANOUT_H
#define POSTERN_FANOUT_H

#include "base/buf.h"
#include "run.h"

struct fanout_spec {
	const char *script;
	const char *doing;		/* the state while it runs */
	const char *done;		/* the state when it went well */
	bool (*wants)(struct run_host *h);	/* NULL: every host */
	/* The script's vars and its stdin for h. 0, or -1 with *e. */
	int (*prepare)(struct run_host *h, struct strv *vars,
		struct buf *input, struct err *e);
	/* Events but "refuse" (which ends the host). May be NULL. */
	void (*on_event)(struct run_host *h, const char *ev,
		const char *text);
	/* Raw bytes, once on_event has called session_raw(). May be NULL. */
	void (*on_raw)(struct run_host *h, const void *data, size_t len);
	/* The script ended with status 0: judge it. Returns 0, or -1 with *e:
	 * the host failed. May be NULL. */
	int (*on_done)(struct run_host *h, struct err *e);
	void (*on_all)(struct run *r);	/* NULL: run_done() */
};

/* fanout_start(): hosts that ended before begin a new part of their life;
 * spec is copied. Verdicts of earlier parts stay. */
int fanout_start(struct run *r, const struct fanout_spec *spec,
	struct err *e);
void fanout_clear(struct run *r);

/* fanout_lines(): adds a variable "NAME=line\nline…" for a script. 0, or -1
 * ERR_MEM. */
int fanout_lines(struct strv *vars, const char *name,
	const struct strv *lines, struct err *e);

#endif
