/* SPDX-License-Identifier: ISC */
/* usage: what a job would back up, by its largest folders. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "base/esc.h"
#include "size.h"
#include "sys/clock.h"
#include "ui/emit.h"
#include "ui/log.h"
#include "ui/progress.h"
#include "weigh.h"

struct usage {
	const struct backup_opts *o;
	const struct settings_job *job;
	struct progress *progress;	/* NULL: not on a terminal */
	int status;
};

static void
on_tick(void *arg, uint64_t files, uint64_t bytes, const char *path)
{
	struct usage *u = arg;
	char size[SIZE_TEXT];
	struct buf b;

	if (u->progress == NULL)
		return;
	buf_init(&b, 512);
	size_text(bytes, size);
	(void)buf_addf(&b, "%llu files, %s: %.200s",
	    (unsigned long long)files, size, path);
	progress_set(u->progress, 0, u->job->section, PROGRESS_RUN, "reading",
	    b.data);
	progress_tick(u->progress, clock_ms());
	buf_clear(&b);
}

static int
say_json(const struct usage *u, const struct weigh_result *r)
{
	struct emit j;
	size_t i;
	int rc = 0;

	for (i = 0; i < r->n; i++) {
		emit_begin(&j);
		emit_str(&j, "job", u->job->section);
		emit_str(&j, "path", r->folders[i].path);
		emit_num(&j, "bytes", (int64_t)r->folders[i].bytes);
		emit_num(&j, "files", (int64_t)r->folders[i].files);
		rc |= emit_end(&j, stdout);
	}
	emit_begin(&j);
	emit_str(&j, "job", u->job->section);
	emit_num(&j, "total-bytes", (int64_t)r->bytes);
	emit_num(&j, "total-files", (int64_t)r->files);
	emit_num(&j, "unread", (int64_t)r->unread);
	return rc | emit_end(&j, stdout);
}

static int
say_text(const struct usage *u, const struct weigh_result *r)
{
	struct buf b;
	char size[SIZE_TEXT];
	size_t i;

	for (i = 0; i < r->n; i++) {
		buf_init(&b, 1 << 20);
		size_text(r->folders[i].bytes, size);
		(void)esc_text(&b, r->folders[i].path,
		    strlen(r->folders[i].path));
		printf("%11s  exclude = %s\n", size, b.data);
		buf_clear(&b);
	}
	size_text(r->bytes, size);
	printf("%11s  in %llu files is what [job %s] has. Lines from above, "
	    "put below\n%13s[job %s] in backup.conf, leave these folders "
	    "out.\n", size, (unsigned long long)r->files, u->job->section, "",
	    u->job->section);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}

static int
one_job(struct usage *u, struct err *e)
{
	const struct backup_opts *o = u->o;
	struct weigh_result r = { 0 };
	const struct weigh_spec spec = {
		.roots = &u->job->roots,
		.excludes = &u->job->excludes,
		.one_file_system = u->job->one_file_system == 1,
		.lines = o->lines,
		.min_bytes = o->min_size,
		.on_tick = on_tick,
		.arg = u,
	};
	int rc;

	if (isatty(STDERR_FILENO) && !o->quiet) {
		u->progress = progress_new(STDERR_FILENO, 1, false, e);
		if (u->progress == NULL)
			return -1;
	}
	rc = weigh_run(&spec, &r, e);
	if (u->progress != NULL)
		progress_set(u->progress, 0, u->job->section, PROGRESS_GOOD,
		    "read", NULL);
	progress_free(u->progress);
	u->progress = NULL;
	if (rc == 0)
		rc = o->json ? say_json(u, &r) : say_text(u, &r);
	else
		goto out;
	if (rc == -1) {
		err_sys(e, "standard output");
		goto out;
	}
	if (r.unread > 0) {
		log_warn("%llu folders could not be read, %s among them: what "
		    "is in them is not counted", (unsigned long long)r.unread,
		    r.first_unread);
		u->status = 2;
	}
out:
	weigh_clear(&r);
	return rc;
}

int
backup_usage(struct backup_opts *o, struct err *e)
{
	struct usage u = { .o = o };
	size_t i;

	for (i = 0; i < o->args.n; i++) {
		u.job = settings_job(&o->conf, o->args.v[i], e);
		if (u.job == NULL || one_job(&u, e) == -1)
			return -1;
	}
	if (o->args.n == 0 && o->conf.njobs == 0) {
		(void)settings_job(&o->conf, NULL, e);
		return -1;
	}
	for (i = 0; o->args.n == 0 && i < o->conf.njobs; i++) {
		u.job = &o->conf.jobs[i];
		if (one_job(&u, e) == -1)
			return -1;
	}
	return u.status;
}
