/* SPDX-License-Identifier: ISC */
#include "serve_run.h"

#include "serve_dial.h"
#include "store_remove.h"
#include "ui/log.h"

/*
 * A backup that is given up, at the store: the client is gone, its time is
 * over, or it took more than it may have. What came of it stays for the next
 * run, but in the last case.
 */

/* on_over() comes, or, when nothing goes on yet, its consequence at once. */
static void
end_transfer(struct serve *s)
{
	struct run *r = run_of(s);

	if (r->applying)
		return;		/* on_applied() looks */
	if (r->dial != NULL)
		serve_dial_lost(r->dial);
	else if (s->op_frame != NULL) {
		s->op_frame = NULL;
		/* Nothing of it is there yet: the next one need not go on. */
		r->discard = true;
		run_give_up(s);
	}
	else if (s->op_key == NULL)
		xfer_lost(&s->xfer);
	else {
		s->op_key = NULL;
		run_give_up(s);
	}
}

/* A client that goes away while its snapshot is made has it all the same.
 * Before that, rsync is given the time to keep a file that came in part, and a
 * worker that makes room the time to end: on_prepared() looks at .lost. */
bool
run_lost(struct serve *s, const struct err *e)
{
	struct run *r = run_of(s);

	if (r->finishing || r->ending || r->filling ||
	    r->lost.code != ERR_NONE)
		return true;
	if (!r->hooked)
		return false;
	r->lost = *e;
	if (run_before_stop(s))
		run_refuse(s, e);
	else if (s->answered)
		end_transfer(s);
	return true;
}

static int
discard(void *arg, struct err *e)
{
	struct serve *s = arg;

	return store_remove_incoming(&s->client, e);
}

static void
on_discarded(void *arg, const struct err *e)
{
	struct serve *s = arg;

	if (e != NULL)
		log_err(e);
	run_refuse(s, &run_of(s)->lost);
}

void
run_give_up(struct serve *s)
{
	struct run *r = run_of(s);
	struct err e = ERR_INIT;

	if (r->discard) {
		worker_free(s->worker);
		s->worker = worker_start(s->loop, discard, on_discarded, s,
		    &e);
		if (s->worker != NULL)
			return;
		log_err(&e);
	}
	run_refuse(s, &r->lost);
}

void
run_full(void *arg, const struct err *e)
{
	struct serve *s = arg;
	struct run *r = run_of(s);

	if (r->finishing || r->ending || r->lost.code != ERR_NONE)
		return;
	r->lost = *e;
	r->discard = e->code == ERR_REFUSED;
	atomic_store(&r->stop, true);
	end_transfer(s);
}
