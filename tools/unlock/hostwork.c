/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "fanout.h"
#include "remote/remote.h"
#include "sys/file.h"
#include "ui/log.h"
#include "ways.h"

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

/* The FIFOs of h, each once. */
static int
add_fifos(struct run_host *h, const char *var, struct strv *vars,
    struct err *e)
{
	const struct plan_row *row;
	struct strv fifos = { 0 };
	int rc = 0;

	for (row = plan_first(h->run->plan, h->i); rc == 0 && row != NULL;
	    row = plan_next(h->run->plan, row))
		if (!strv_has(&fifos, row->key))
			rc = strv_add(&fifos, row->key);
	rc = rc == 0 ? fanout_lines(vars, var, &fifos, e) : no_mem(e);
	strv_clear(&fifos);
	return rc;
}

static void
say_step(struct run_host *h, const char *ev, const char *text)
{
	if (strcmp(ev, "step") == 0 || strcmp(ev, "note") == 0)
		report_line(h->run->report, h->i, ev, text);
}

/* --- --setup --- */

static int
setup_prepare(struct run_host *h, struct strv *vars, struct buf *input,
    struct err *e)
{
	const struct unlock_opts *o = h->run->o;
	const struct plan_row *row;
	struct strv roots = { 0 };
	struct buf b;
	size_t i;
	int rc = 0;

	buf_init(&b, 1 << 16);
	for (row = plan_first(h->run->plan, h->i); rc == 0 && row != NULL;
	    row = plan_next(h->run->plan, row))
		rc = cfg_roots(h->run->cfg, row->group, h->ph->name, &roots,
		    e);
	if (rc == -1 || add_fifos(h, "fifos", vars, e) == -1) {
		rc = -1;
		goto out;
	}
	rc |= buf_adds(&b, "folders=");
	for (i = 0; i < roots.n; i++)
		rc |= buf_addf(&b, "%s%s", i > 0 ? "\n" : "", roots.v[i]);
	rc |= strv_add(vars, b.data);
	rc |= strv_addf(vars, "dry=%d", o->dry_run);
	if (o->holder_key != NULL) {
		rc |= strv_add(vars, "holder_line=1");
		rc |= buf_adds(input, remote_script("holder"));
		rc |= buf_adds(input, "#END\n");
	}
	if (rc != 0)
		rc = no_mem(e);
out:
	strv_clear(&roots);
	buf_clear(&b);
	return rc;
}

/* Alone on a line of its own, to be copied; with --json an object. */
static int
say_holder_line(const struct run *r, const char *fifo, const char *key,
    struct err *e)
{
	struct buf b;
	int rc = 0;

	buf_init(&b, 65536);
	if (buf_addf(&b, "restrict,command=\"sh /etc/postern/holder.sh %s\" "
	    "%s", fifo, key) == -1)
		rc = no_mem(e);
	else if (r->o->json)
		report_line(r->report, PLAN_NOBODY, "authorized-key", b.data);
	else
		printf("%s\n", b.data);
	buf_clear(&b);
	return rc;
}

/* The line that lets a key run the holder and nothing else. */
static int
print_holder_line(const struct run *r, struct err *e)
{
	struct strv seen = { 0 };
	struct buf key;
	size_t i;
	int rc;

	buf_init(&key, 16384);
	rc = file_read(r->o->holder_key, &key, e);
	while (rc == 0 && key.len > 0 && key.data[key.len - 1] == '\n')
		key.data[--key.len] = '\0';
	if (rc == 0 && (strchr(key.data, '\n') != NULL ||
	    strchr(key.data, ' ') == NULL || strncmp(key.data, "-----",
	    5) == 0))
		rc = err_set(e, ERR_CONFIG, "%s: not one line of a public "
		    "key", r->o->holder_key);
	for (i = 0; rc == 0 && i < r->plan->nrows; i++) {
		const char *fifo = r->plan->rows[i].key;

		if (strv_has(&seen, fifo))
			continue;
		if (strpbrk(fifo, "\"\\'\n ") != NULL)
			rc = err_set(e, ERR_CONFIG, "%s: a path that an "
			    "authorized_keys line can't hold", fifo);
		else if (strv_add(&seen, fifo) == -1)
			rc = no_mem(e);
		else
			rc = say_holder_line(r, fifo, key.data, e);
	}
	if (rc == 0 && seen.n > 1)
		log_warn("sshd goes by the first line that has the key: "
		    "each of these needs a key of its own");
	strv_clear(&seen);
	buf_clear(&key);
	fflush(stdout);
	return rc;
}

static void
setup_over(struct run *r)
{
	struct err e = ERR_INIT;

	if (r->o->holder_key != NULL && r->stops == 0 &&
	    print_holder_line(r, &e) == -1)
		r->status = log_err(&e);
	run_done(r);
}

int
setup_start(struct run *r, struct err *e)
{
	const struct fanout_spec spec = { .script = remote_script("setup"),
	    .doing = "setting up", .done = r->o->dry_run ? "looked at" :
	    "set up", .prepare = setup_prepare, .on_event = say_step,
	    .on_all = setup_over };

	return fanout_start(r, &spec, e);
}

/* --- what the check asks --- */

/* Of all configurations: the groups' keys, the databases' folders. */
static int
add_known(const struct run *r, struct strv *vars, struct err *e)
{
	struct strv keys = { 0 }, folders = { 0 };
	const struct cfg *c;
	struct err ignored;
	struct buf b;
	size_t i, k;
	int rc = 0;

	buf_init(&b, 8192);
	for (i = 0; rc == 0 && i < r->ncfgs; i++) {
		c = &r->cfgs[i];
		for (k = 0; rc == 0 && k < c->ngroups; k++) {
			buf_clear(&b);
			rc = cfg_key_path(&c->groups[k], r->o->sysdir, &b, e);
			if (rc == 0 && !strv_has(&keys, b.data) &&
			    strv_add(&keys, b.data) == -1)
				rc = no_mem(e);
		}
		buf_clear(&b);
		if (rc == 0 && cfg_database_folder(c, &b, NULL,
		    &ignored) == 0 && !strv_has(&folders, b.data) &&
		    strv_add(&folders, b.data) == -1)
			rc = no_mem(e);
	}
	buf_clear(&b);
	if (rc == 0)
		rc = fanout_lines(vars, "keys", &keys, e);
	if (rc == 0)
		rc = fanout_lines(vars, "databases", &folders, e);
	strv_clear(&keys);
	strv_clear(&folders);
	return rc;
}

/* The database that csync2 on h opens for the chosen configuration; its name
 * has that of the configuration's file in it. */
static int
add_pins(const struct run_host *h, struct strv *vars, struct err *e)
{
	const struct run *r = h->run;
	const char *file, *db = cfg_database(r->cfg);
	struct err ignored;
	bool is_file = false;
	struct buf dir;
	int len = 0, rc;

	file = r->cfg->files.n > 0 ? strrchr(r->cfg->files.v[0], '/') : NULL;
	if (file != NULL && strncmp(file, "/csync2_", 8) == 0)
		len = (int)strcspn(file + 7, ".");
	buf_init(&dir, 8192);
	if (cfg_database_folder(r->cfg, &dir, &is_file, &ignored) == -1)
		rc = strv_add(vars, "pins=");
	else if (is_file)
		rc = strv_addf(vars, "pins=%s", db);
	else
		rc = strv_addf(vars, "pins=%s/%s%.*s.db3", r->o->dbdir != NULL ?
		    r->o->dbdir : dir.data, h->ph->name, len, len > 0 ?
		    file + 7 : "");
	buf_clear(&dir);
	return rc == 0 ? 0 : no_mem(e);
}

static int
probe_prepare(struct run_host *h, struct strv *vars, struct buf *input,
    struct err *e)
{
	const struct unlock_opts *o = h->run->o;

	(void)input;
	if (add_fifos(h, "fifos", vars, e) == -1 ||
	    add_known(h->run, vars, e) == -1 || add_pins(h, vars, e) == -1)
		return -1;
	return strv_addf(vars, "sysdir=%s", o->sysdir_set ? o->sysdir : "") ==
	    0 ? 0 : no_mem(e);
}

static void
probe_event(struct run_host *h, const char *ev, const char *text)
{
	struct err e = ERR_INIT;

	if (strcmp(ev, "fact") == 0 &&
	    check_fact_add(&h->run->facts->hosts[h->i], text, &e) == -1)
		run_host_end(h, REPORT_FAILED, "failed", e.msg);
}

static bool
probe_wants(struct run_host *h)
{
	return h->ph->here || h->run->o->hosts;
}

int
probe_start(struct run *r, struct err *e)
{
	const struct fanout_spec spec = { .script = remote_script("probe"),
	    .doing = "asking", .done = "answered", .wants = probe_wants,
	    .prepare = probe_prepare,
	    .on_event = probe_event };

	return fanout_start(r, &spec, e);
}
