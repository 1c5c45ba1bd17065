/* SPDX-License-Identifier: ISC */
/* postern backup run: the jobs that are meant, one after the other. */
#include <stdlib.h>
#include <unistd.h>

#include "run.h"
#include "ui/log.h"

/* Those named, or all, in the order of the file; of --stdio the only one.
 * Each is looked at before the first one runs. Owned, or NULL. */
static struct settings_job **
choose(struct backup_opts *o, size_t *ret_n, struct err *e)
{
	const struct strv *args = &o->args;
	bool all = args->n == 0 && o->job == NULL && !o->stdio;
	size_t n = all ? o->conf.njobs : args->n, i, k = 0;
	struct settings_job **v;

	/* None at all: opts_job() says what to do then. */
	if (n == 0)
		n = 1;
	v = calloc(n, sizeof(*v));
	if (v == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	for (i = 0; i < n; i++) {
		/* That one waits for the store to come. */
		if (all && n > 1 && o->conf.jobs[i].destination == NULL)
			continue;
		v[k] = opts_job(o, args->n > 0 ? args->v[i] :
		    all && o->conf.njobs > 0 ? o->conf.jobs[i].section : NULL,
		    e);
		if (v[k++] == NULL) {
			free(v);
			return NULL;
		}
	}
	if (k == 0) {
		err_set(e, ERR_CONFIG, "no job has a destination");
		free(v);
		return NULL;
	}
	*ret_n = k;
	return v;
}

/* 0: all are done. None is: their status, if it is the same. Else 2. */
static int
run_all(struct backup_opts *o, struct settings_job **v, size_t n)
{
	bool interrupted = false;
	size_t i, good = 0;
	int status = 0, rc;

	for (i = 0; i < n && !interrupted; i++) {
		rc = run_job(o, v[i], &interrupted);
		good += rc == 0;
		if (rc != 0)
			status = status == 0 || status == rc ? rc : 1;
	}
	for (; i < n; i++)
		log_error("%s: not begun", v[i]->section);
	return status != 0 && good > 0 ? 2 : status;
}

int
backup_run(struct backup_opts *o, struct err *e)
{
	struct settings_job **v;
	size_t i, n;
	int rc = 0;

	if (o->stdio) {
		if (isatty(0) || isatty(1))
			return err_set(e, ERR_USAGE, "--stdio is what pull "
			    "runs on this machine: not for people");
		if (o->args.n > 1)
			return err_set(e, ERR_USAGE, "--stdio: one job");
		/* stdout is the store's; what fails goes to stderr. */
		o->quiet = true;
		o->json = false;
	}
	v = choose(o, &n, e);
	if (v == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		if (o->dry_run)
			rc |= run_explain(v[i], e);
		/* There is an ssh already. */
		if (o->stdio)
			v[i]->mode = MODE_CHANNEL;
	}
	if (!o->dry_run)
		rc = run_all(o, v, n);
	free(v);
	return rc;
}
