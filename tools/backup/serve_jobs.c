/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "serve_run.h"

/*
 * [store] max-jobs: retention goes for each job by itself, and a job is what
 * the client calls it. One that comes with a new name each time would be
 * thinned by nothing: so there are so many names at a time, and a run of
 * another one is refused. It never makes anything go.
 */

/* The job of a snapshot, as retention sees it: "" where no record says. */
static void
job_of(const struct store_client *c, const struct store_snap *s,
    char ret[STORE_REC_WORD])
{
	struct store_rec rec = { .one_fs = false };

	ret[0] = '\0';
	if (store_rec_get(c, s->name, &rec, NULL) == -1)
		return;
	memcpy(ret, rec.job, sizeof(rec.job));
	store_rec_clear(&rec);
}

/* 0: job has a snapshot, or ret has the other jobs that do. The newest come
 * first, and mostly one of them is it. */
static int
others(const struct store_client *c, const struct store_list *list,
    const char *job, struct strv *ret, struct err *e)
{
	char name[STORE_REC_WORD];
	size_t i;

	for (i = 0; i < list->n; i++) {
		job_of(c, &list->snaps[i], name);
		if (strcmp(name, job) == 0) {
			strv_clear(ret);
			return 0;
		}
		if (!strv_has(ret, name) && strv_add(ret, name) == -1)
			return err_set(e, ERR_MEM, "out of memory");
	}
	return 0;
}

int
run_jobs(const struct serve *s, struct err *e)
{
	const char *job = s->req.job != NULL ? s->req.job : "";
	const uint64_t max = (uint64_t)s->policy.max_jobs;
	struct store_list list = { 0 };
	struct strv names = { 0 };
	int rc;

	if (store_list_read(&s->client, &list, e) == -1)
		return -1;
	rc = list.n < max ? 0 : others(&s->client, &list, job, &names, e);
	if (rc == 0 && names.n >= max)
		rc = err_set(e, ERR_REFUSED, "job '%s' would be one more than "
		    "the %llu that the store allows %s (max-jobs); it has "
		    "backups of %zu others", job, (unsigned long long)max,
		    s->client.name, names.n);
	strv_clear(&names);
	store_list_clear(&list);
	return rc;
}
