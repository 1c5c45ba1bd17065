/* SPDX-License-Identifier: ISC */
/* find: which snapshots have a path; in the store, or asked for over ssh. */
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "backup.h"
#include "owner.h"
#include "search.h"
#include "tell.h"
#include "ui/log.h"

struct find {
	struct backup_opts *o;
	struct tell *tell;
	const char *pattern, *match;
};

static int
on_file(void *arg, const struct hits_file *f, struct err *e)
{
	return tell_file(((struct find *)arg)->tell, f, e);
}

static int
on_data(void *arg, const char *data, size_t len, struct err *e)
{
	static const struct hits_calls calls = { on_file, NULL };

	return hits_parse(data, len, &calls, arg, e);
}

static void
on_progress(void *arg, const struct reply *p)
{
	struct find *f = arg;

	/* Objects are files here. */
	if (!f->o->json)
		tell_progress(f->tell, f->o->name, p);
}

/* What there is only a part of: 2, and why. */
static int
end(const char *what, const struct reply *r)
{
	if (r->why[0] != '\0')
		log_warn("%s: %s", what, r->why);
	return (int)r->status;
}

static int
from_client(struct find *f, struct err *e)
{
	struct settings_job *j = ask_job(f->o, e);
	struct request q = { .op = REQUEST_FIND, .pattern = (char *)f->pattern,
		.snapshot = f->o->snapshot, .match = (char *)f->match };
	struct reply r = { 0 };

	/* Borrowed: never request_clear()ed. */
	if (j == NULL || ask_watch(j, &q, on_data, on_progress, f, &r,
	    e) == -1)
		return -1;
	return end(j->destination, &r);
}

static int
one_client(void *arg, struct store_client *c, struct err *e)
{
	struct owner *w = arg;
	struct find *f = w->arg;
	const struct search_opts o = { .pattern = f->pattern,
		.snapshot = f->o->snapshot, .match = f->match,
		.found = on_file, .progress = on_progress, .arg = f };
	struct reply r = { 0 };

	if (search_client(c, &o, &r, e) == -1)
		return -1;
	return end(c->name, &r);
}

static int
from_store(struct find *f, struct err *e)
{
	struct owner w = { .o = f->o, .arg = f };
	struct strv operands = f->o->args;
	int rc = -1;

	if (owner_open(&w, e) == 0) {
		if (f->o->snapshot != NULL) {
			rc = owner_snapshot(&w, f->o->snapshot, e);
			if (rc == 0)
				rc = one_client(&w, &w.client, e);
		} else {
			/* The operand is a pattern, not a client. */
			f->o->args = (struct strv){ 0 };
			rc = owner_each(&w, one_client, e);
			f->o->args = operands;
		}
	}
	owner_close(&w);
	return rc;
}

int
backup_find(struct backup_opts *o, struct err *e)
{
	struct find f = { .o = o, .pattern = o->args.v[0], .match = o->exact ? "exact" :
		o->prefix ? "prefix" : NULL };
	int rc;

	if (f.match != NULL && f.pattern[0] != '/')
		return err_set(e, ERR_USAGE, "find: a path begins with a "
		    "slash");
	f.tell = tell_new(o, e);
	if (f.tell == NULL)
		return -1;
	rc = o->side == SIDE_STORE ? from_store(&f, e) : from_client(&f, e);
	tell_free(f.tell);
	return rc;
}
