/* SPDX-License-Identifier: ISC */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "restore.h"
#include "restore_said.h"
#include "restoreargs.h"
#include "ui/log.h"

/*
 * postern backup restore: the store sends parts of a snapshot, our confined
 * half writes them below --to. Here the store is the one that isn't trusted:
 * what it says is shown and no more; where rsync may write and what it may
 * bring is ours.
 *
 * Who restores without --privileged is then told what is lacking: a second
 * connection, on which our rsync compares and writes nothing. (It can't say so
 * while it writes: what is stripped from the modes then is gone for it, too.)
 */

static void
on_signal(void *arg, int signo)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_REFUSED, "interrupted");
	restore_fail(arg, &e);
}

static int
prepare(struct restore *r, struct err *e)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	size_t i;

	r->loop = loop_new(e);
	if (r->loop == NULL)
		return -1;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (loop_signal(r->loop, signals[i], on_signal, r, e) == -1)
			return -1;
	r->show = show_new(r->loop, r->o, r->job, e);
	r->begin_ms = loop_now_ms(r->loop);
	return r->show != NULL ? 0 : -1;
}

static int
all(struct restore *r, struct err *e)
{
	struct restore_said said = { .section = r->job->section,
		.result = &r->now, .lack = &r->lack };
	struct err why = ERR_INIT;

	if (restore_pass(r, r->o->dry_run ? RESTORE_DRY : RESTORE_COPY,
	    e) == -1)
		return -1;
	if (r->o->dry_run)
		return 0;
	r->now.seconds = (loop_now_ms(r->loop) - r->begin_ms) / 1000;
	snprintf(r->now.snapshot, sizeof(r->now.snapshot), "%s", r->snapshot);
	if (!r->o->privileged && restore_pass(r, RESTORE_COMPARE, &why) == -1) {
		log_warn("what could not be brought back is not known: %s",
		    why.msg);
		r->errors++;
	}
	show_free(r->show);
	r->show = NULL;
	said.to = r->place.to;
	said.errors = r->errors;
	return restore_said(r->o, &said);
}

static int
check(struct restore *r, struct settings_job *local, struct err *e)
{
	struct backup_opts *o = r->o;
	struct snapname n = { .time_s = 0 };
	bool latest = strcmp(o->args.v[0], REQUEST_LATEST) == 0;

	if (!latest && snapname_parse(o->args.v[0], &n, e) == -1)
		return -1;
	snprintf(r->snapshot, sizeof(r->snapshot), "%s", o->args.v[0]);
	if (o->privileged && geteuid() != 0)
		return err_set(e, ERR_USAGE, "--privileged: for root only; "
		    "without it all is restored that you may own");
	if (restoreargs_paths(o->args.v + 1, o->args.n - 1, &r->paths,
	    e) == -1)
		return -1;
	if (o->side == SIDE_STORE) {
		if (o->client == NULL && latest)
			return err_set(e, ERR_USAGE, "the latest of whom? "
			    "--client NAME");
		local->section = o->client != NULL ? o->client :
		    strdup(n.client);
		local->destination = o->store;
		r->job = local;
		r->client = local->section;
		return r->client != NULL ? 0 : err_set(e, ERR_MEM,
		    "out of memory");
	}
	r->job = opts_job(o, NULL, e);
	return r->job == NULL ? -1 : 0;
}

int
backup_restore(struct backup_opts *o, struct err *e)
{
	struct restore r = { .o = o, .err = ERR_INIT };
	struct settings_job local = { 0 };
	int status = -1;

	if (check(&r, &local, e) == 0 && prepare(&r, e) == 0)
		status = all(&r, e);
	place_close(&r.place, status != -1 && !o->dry_run);
	show_free(r.show);
	loop_free(r.loop);
	lack_clear(&r.lack);
	strv_clear(&r.paths);
	if (local.section != o->client)
		free(local.section);
	return status;
}
