/* SPDX-License-Identifier: ISC */
#include "serve_run.h"

#include <stdio.h>

#include "hook.h"
#include "store_runs.h"
#include "ui/log.h"

/*
 * The store's own commands around a run ([store] before, on-failure, after),
 * and how a run ends: noted for the owner, then the commands, then the last
 * word to the client. While one of them runs the client's beats are answered.
 */

enum { END_FAILURE, END_AFTER, END_WORD };

/* A command on the loop. 1: it runs and on_end comes; 0: there is none;
 * -1: it could not be started. */
static int
hook(struct serve *s, const char *name, const char *command,
    const struct reply *result, void (*on_end)(void *arg,
    const struct err *e), struct err *e)
{
	struct run *r = run_of(s);
	/* `before` ends with the run, too, at its timeout: run_before_stop().
	 */
	const struct hook_spec spec = { .command = command, .name = name,
		.job = s->client.name, .result = result,
		.limit_ms = settings_command_ms(&s->o->conf),
		.limit_key = SETTINGS_COMMAND_KEY };

	if (command == NULL)
		return 0;
	r->hook = hook_start(s->loop, &spec, on_end, s, e);
	return r->hook != NULL ? 1 : -1;
}

/* --- before --- */

static void
on_before(void *arg, const struct err *e)
{
	struct serve *s = arg;
	struct run *r = run_of(s);

	hook_free(r->hook);
	r->hook = NULL;
	if (e != NULL)
		run_refuse(s, e);
	else
		r->go_on(s);
}

void
run_before(struct serve *s, void (*go_on)(struct serve *s))
{
	struct run *r = run_of(s);
	struct err e = ERR_INIT;

	r->hooked = true;
	r->go_on = go_on;
	switch (hook(s, "before", s->o->conf.store.before, NULL, on_before,
	    &e)) {
	case -1:
		run_refuse(s, &e);
		break;
	case 0:
		go_on(s);
	}
}

bool
run_before_stop(struct serve *s)
{
	struct run *r = run_of(s);

	if (r->hook == NULL || r->ending)
		return false;
	hook_free(r->hook);
	r->hook = NULL;
	return true;
}

/* --- the end --- */

/* What the owner's status tells of; the client's word comes last. */
static void
note(struct serve *s)
{
	struct run *r = run_of(s);
	bool failed = r->why.code != ERR_NONE;
	const char *said = failed ? r->why.msg : r->warning;
	struct store_run line = { .time_s = s->store.now(), .op = "run",
		.files = r->now.files, .bytes = r->now.bytes,
		.seconds = (loop_now_ms(s->loop) - r->begin_ms) / 1000 };
	struct err e = ERR_INIT;

	/* One that came too soon would put off the next for ever. */
	if (r->why.code == ERR_BUSY)
		return;
	snprintf(line.state, sizeof(line.state), "%s", failed ?
	    STORE_RUNS_FAILED : r->rec.partial ? STORE_RUNS_WARN :
	    STORE_RUNS_OK);
	snprintf(line.snapshot, sizeof(line.snapshot), "%s", r->snapshot);
	snprintf(line.message, sizeof(line.message), "%.235s%s%s", said,
	    said[0] != '\0' && r->removed[0] != '\0' ? "; " : "",
	    r->removed);
	if (store_runs_add(&s->client, &line, &e) == -1)
		log_err(&e);
}

static void end_next(struct serve *s);

static void
on_end_hook(void *arg, const struct err *e)
{
	struct serve *s = arg;
	struct run *r = run_of(s);

	hook_free(r->hook);
	r->hook = NULL;
	if (e != NULL)
		log_err(e);
	end_next(s);
}

/* One command after the other, then the word. */
static void
end_next(struct serve *s)
{
	const struct settings_store *c = &s->o->conf.store;
	struct run *r = run_of(s);
	bool failed = r->why.code != ERR_NONE;
	struct reply result = r->now;
	struct err e = ERR_INIT;
	int rc = 0;

	if (failed) {
		result = (struct reply){ .status =
			(uint64_t)err_exit(r->why.code) };
		snprintf(result.why, sizeof(result.why), "%s", r->why.msg);
	}
	while (rc != 1 && r->end_step < END_WORD) {
		if (r->end_step++ == END_AFTER)
			rc = hook(s, "after", c->after, &result, on_end_hook,
			    &e);
		else if (failed)
			rc = hook(s, "on-failure", c->on_failure, &result,
			    on_end_hook, &e);
		if (rc == -1)
			log_err(&e);
	}
	if (rc == 1)
		return;
	if (failed)
		serve_refuse(s, &r->why);
	else
		serve_result(s, &r->now);
}

static void
end(struct serve *s)
{
	struct run *r = run_of(s);

	if (r->ending)
		return;
	r->ending = true;
	/* Nobody else says that it is over. */
	guard_free(r->guard);
	r->guard = NULL;
	s->op_key = NULL;
	note(s);
	/* Without `before` there is nothing to be put right. */
	if (!r->hooked)
		r->end_step = END_WORD;
	end_next(s);
}

void
run_refuse(struct serve *s, const struct err *e)
{
	struct run *r = run_of(s);

	if (!r->ending)
		r->why = *e;
	end(s);
}

void
run_done(struct serve *s)
{
	end(s);
}
