/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fanout.h"
#include "manifest.h"
#include "remote/remote.h"
#include "ui/log.h"
#include "ways.h"

#define SHOWN_MAX 1000		/* differences named a host; the rest counted */

/* One host's files, while they come and until they are compared. */
struct verify_host {
	struct manifest files;
	struct err bad;			/* the stream was not the format */
	bool done;
};

struct verify {
	struct verify_host *hosts;
};

static struct verify_host *
verify_of(struct run_host *h)
{
	return &h->run->verify->hosts[h->i];
}

/* The pusher, and whoever has not failed so far. */
static bool
wants(struct run_host *h)
{
	return h->ph->pushes ||
	    report_verdict_of(h->run->report, h->i) == REPORT_OK;
}

static int
prepare(struct run_host *h, struct strv *vars, struct buf *input,
    struct err *e)
{
	const struct plan_row *row;
	struct strv roots = { 0 };
	size_t i;
	int rc = 0;

	(void)vars;
	for (row = plan_first(h->run->plan, h->i); rc == 0 && row != NULL;
	    row = plan_next(h->run->plan, row))
		rc = cfg_roots(h->run->cfg, row->group, h->ph->name, &roots,
		    e);
	for (i = 0; rc == 0 && i < roots.n; i++)
		if (buf_addf(input, "%s\n", roots.v[i]) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
	if (rc == 0 && buf_adds(input, "#END\n") == -1)
		rc = err_set(e, ERR_MEM, "out of memory");
	strv_clear(&roots);
	return rc;
}

static void
on_event(struct run_host *h, const char *ev, const char *text)
{
	(void)text;
	if (strcmp(ev, "ready") == 0)
		session_raw(h->session);
}

static void
on_raw(struct run_host *h, const void *data, size_t len)
{
	struct verify_host *v = verify_of(h);

	if (v->bad.code == ERR_NONE)
		(void)manifest_feed(&v->files, data, len, &v->bad);
}

static int
on_done(struct run_host *h, struct err *e)
{
	struct verify_host *v = verify_of(h);
	size_t i;

	if (v->bad.code != ERR_NONE) {
		*e = v->bad;
		return -1;
	}
	if (manifest_end(&v->files, e) == -1)
		return -1;
	for (i = 0; i < v->files.trouble.n; i++)
		report_line(h->run->report, h->i, "unread",
		    v->files.trouble.v[i]);
	v->done = true;
	return 0;
}

/* --- comparing, once all are there --- */

struct compare {
	struct run *run;
	struct run_host *here, *there;
	size_t found;
};

static bool
belongs(void *arg, int side, const char *path)
{
	struct compare *c = arg;
	struct run_host *h = side == 0 ? c->here : c->there;
	const struct plan_row *row;

	/* What counts on either side are the groups that the receiver is in. */
	for (row = plan_first(c->run->plan, c->there->i); row != NULL;
	    row = plan_next(c->run->plan, row))
		if (cfg_match(c->run->cfg, row->group, h->ph->name, path))
			return true;
	return false;
}

static int
on_delta(void *arg, const struct manifest_delta *d)
{
	static const char *const kinds[] = { [MANIFEST_MISSING] = "missing",
	    [MANIFEST_EXTRA] = "extra", [MANIFEST_DIFFERENT] = "different" };
	struct compare *c = arg;
	const struct manifest_entry *m = d->there != NULL ? d->there : d->here;
	struct buf b;

	if (++c->found > SHOWN_MAX)
		return 0;
	buf_init(&b, MANIFEST_PATH_MAX + 256);
	(void)buf_adds(&b, m->path);
	if (d->kind == MANIFEST_DIFFERENT) {
		(void)buf_adds(&b, " (");
		(void)manifest_what(d->what, &b);
		(void)buf_adds(&b, ")");
	}
	report_line(c->run->report, c->there->i, kinds[d->kind], b.data);
	buf_clear(&b);
	return 0;
}

/* A prefix's path on a host; "" when it has none there. */
static char *
prefix_path(const struct run *r, const char *name, const char *host)
{
	struct buf text, path;
	char *ret = NULL;

	buf_init(&text, 4096);
	buf_init(&path, 4096);
	if (buf_addf(&text, "%%%s%%", name) == 0) {
		(void)cfg_expand(r->cfg, text.data, host, &path, NULL);
		ret = buf_steal(&path);
	}
	buf_clear(&text);
	buf_clear(&path);
	return ret;
}

/* What each prefix is called on the two hosts. */
static int
map_roots(struct run *r, struct run_host *here, struct run_host *there,
    struct err *e)
{
	const struct cfg *c = r->cfg;
	struct manifest_root *roots;
	size_t i, n = 0;
	int rc = -1;

	roots = calloc(c->nprefixes + 1, sizeof(*roots));
	if (roots == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < c->nprefixes; i++) {
		const char *name = c->prefixes[i].name;

		roots[n].here = prefix_path(r, name, here->ph->name);
		roots[n].there = prefix_path(r, name, there->ph->name);
		if (roots[n].here == NULL || roots[n].there == NULL) {
			n++;
			err_set(e, ERR_MEM, "out of memory");
			goto out;
		}
		if (roots[n].here[0] == '/' && roots[n].there[0] == '/') {
			n++;
			continue;
		}
		free((char *)roots[n].here);
		free((char *)roots[n].there);
	}
	rc = manifest_map(&verify_of(there)->files, roots, n, e);
out:
	for (i = 0; i < n; i++) {
		free((char *)roots[i].here);
		free((char *)roots[i].there);
	}
	free(roots);
	return rc;
}

static void
compare(struct run *r, struct run_host *here, struct run_host *there)
{
	struct compare c = { .run = r, .here = here, .there = there };
	const struct manifest_rules rules = { .belongs = belongs, .arg = &c,
	    .ignore_uid = r->cfg->ignore_uid,
	    .ignore_gid = r->cfg->ignore_gid,
	    .ignore_mod = r->cfg->ignore_mod };
	struct err e = ERR_INIT;
	char detail[64];

	there->ended = false;
	r->left++;
	if (map_roots(r, here, there, &e) == -1) {
		run_host_end(there, REPORT_FAILED, "failed", e.msg);
		return;
	}
	(void)manifest_diff(&verify_of(here)->files,
	    &verify_of(there)->files, &rules, on_delta, &c);
	if (c.found == 0) {
		run_host_end(there, REPORT_OK, "verified", NULL);
		return;
	}
	snprintf(detail, sizeof(detail), "%zu files are not as they are on "
	    "%s", c.found, here->ph->name);
	run_host_end(there, REPORT_FAILED, "differs", detail);
}

static void
on_all(struct run *r)
{
	struct run_host *here = &r->hosts[r->plan->pusher];
	size_t i;

	r->on_all = NULL;
	for (i = 0; i < r->plan->nhosts; i++)
		if (i != here->i && verify_of(&r->hosts[i])->done) {
			if (verify_of(here)->done) {
				compare(r, here, &r->hosts[i]);
				continue;
			}
			report_verdict(r->report, i, REPORT_FAILED);
			report_line(r->report, i, "note",
			    "nothing to compare with");
		}
	run_done(r);
}

int
verify_start(struct run *r, struct err *e)
{
	const struct fanout_spec spec = {
		.script = remote_script("verify"), .doing = "hashing",
		.done = "hashed", .wants = wants, .prepare = prepare,
		.on_event = on_event, .on_raw = on_raw, .on_done = on_done,
		.on_all = on_all,
	};
	size_t i;

	r->verify = calloc(1, sizeof(*r->verify));
	if (r->verify == NULL || (r->verify->hosts = calloc(r->plan->nhosts,
	    sizeof(*r->verify->hosts))) == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < r->plan->nhosts; i++)
		manifest_init(&r->verify->hosts[i].files);
	return fanout_start(r, &spec, e);
}

static bool
any_to_verify(const struct run *r)
{
	size_t i;

	for (i = 0; i < r->plan->nhosts; i++)
		if (!r->plan->hosts[i].pushes &&
		    report_verdict_of(r->report, i) == REPORT_OK)
			return true;
	return false;
}

void
verify_or_done(struct run *r)
{
	struct err e = ERR_INIT;

	if (r->o->verify && r->stops == 0 && any_to_verify(r)) {
		if (verify_start(r, &e) == 0)
			return;
		r->status = log_err(&e);
	}
	run_done(r);
}

void
verify_clear(struct run *r)
{
	size_t i;

	if (r->verify == NULL)
		return;
	for (i = 0; r->verify->hosts != NULL && i < r->plan->nhosts; i++)
		manifest_clear(&r->verify->hosts[i].files);
	free(r->verify->hosts);
	free(r->verify);
	r->verify = NULL;
}
