/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/esc.h"
#include "bulk.h"
#include "keys.h"
#include "link.h"
#include "serve.h"
#include "ssh/host.h"
#include "ui/log.h"
#include "version.h"

/*
 * postern backup pull: the store's owner starts it. An ssh of the owner's
 * own runs `postern backup run --stdio` on the host, which speaks the client's
 * side of the frames: the same jail reads there, with that machine's own roots
 * and excludes, and the same code serves it here as for a key's `receive`,
 * only that a run is all that may be asked for.
 *
 * Where there is no postern (or [client] says so), the owner's ssh runs that
 * host's rsync (serve_dial.h) with the roots and excludes of [client]: what is
 * received is confined as ever, what reads there is not.
 */

#define CONNECT_S 30
#define ASK_MS 60000		/* until the host has asked for a run */
#define END_MS 5000

struct pull {
	struct serve s;
	struct settings_job *j;		/* as it was read: not filled */
	struct link *ssh;
	struct err gone;		/* why there was no last word */
	bool lost;
};

static struct pull *
pull_of(struct serve *s)
{
	return (struct pull *)(void *)s;
}

/* No last word came from whoever serves. */
static void
fail(struct pull *p, const struct err *e)
{
	struct reply r = { .status = (uint64_t)err_exit(e->code) };

	snprintf(r.why, sizeof(r.why), "%s", e->msg);
	show_result(p->s.show, p->j, &r);
	p->s.status = (int)r.status;
	loop_stop(p->s.loop);
}

/* --- without postern --- */

static int
copy(const struct strv *from, struct strv *to, struct err *e)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		if (strv_add(to, from->v[i]) == -1)
			return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

/* The request that nobody there can make. */
static int
request(struct pull *p, struct err *e)
{
	struct request *q = &p->s.req;
	const struct settings_job *j = p->j;

	if (j->roots.n == 0)
		return err_set(e, ERR_CONFIG, "%s has no postern; to have its "
		    "own rsync read, which nothing confines there, name a "
		    "root in [client %s]", j->destination, j->section);
	q->op = REQUEST_RUN;
	q->one_file_system = j->one_file_system == 1;
	q->compress = j->compress == COMPRESS_ZSTD ? REQUEST_COMPRESS_ZSTD :
	    j->compress == COMPRESS_ZLIB ? REQUEST_COMPRESS_ZLIB :
	    REQUEST_COMPRESS_NONE;
	if (copy(&j->roots, &q->roots, e) == -1 ||
	    copy(&j->excludes, &q->excludes, e) == -1)
		return -1;
	return version_rsync(&q->rsync, e);
}

static void
plain(struct pull *p)
{
	struct serve *s = &p->s;
	struct err e = ERR_INIT;

	s->asked = true;
	chan_free(s->chan);
	s->chan = NULL;
	loop_timer_set(s->limit, (uint64_t)s->policy.timeout, 0);
	if (s->policy.timeout <= 0)
		loop_timer_stop(s->limit);
	if (request(p, &e) == 0) {
		log_warn("%s: there is no postern: its own rsync reads, and "
		    "nothing confines it there to the roots and excludes of "
		    "[client %s]", p->j->destination, p->j->section);
		if (serve_store(s, &e) == 0 && serve_run(s, &e) == 0)
			return;
	}
	serve_refuse(s, &e);
}

static void
on_ssh_end(void *arg)
{
	struct pull *p = arg;
	struct err e = ERR_INIT;

	if (p->s.over)
		loop_stop(p->s.loop);
	else if (p->lost && !p->s.asked &&
	    link_status(p->ssh) == LINK_NOT_FOUND) {
		p->lost = false;
		plain(p);
	} else if (p->lost) {
		link_judge(p->ssh, &p->gone, &e);
		fail(p, &e);
	}
}

static void
on_end(struct serve *s, const struct err *e)
{
	struct pull *p = pull_of(s);

	if (s->chan == NULL) {
		loop_stop(s->loop);
		return;
	}
	p->lost = e != NULL;
	/* Who never began to speak has said why on stderr. */
	if (e != NULL && s->asked)
		p->gone = *e;
	if (link_over(p->ssh))
		on_ssh_end(p);
	else if (e != NULL)
		link_deadline(p->ssh, END_MS);
}

/* --- what is run --- */

static int
command(const struct pull *p, struct buf *out, struct err *e)
{
	const struct backup_opts *o = p->s.o;
	int rc = buf_adds(out, "postern backup run --stdio");

	if (rc == 0 && o->bandwidth > 0)
		rc = buf_addf(out, " --bandwidth %llu",
		    (unsigned long long)o->bandwidth);
	if (rc == 0 && o->job != NULL)
		rc = buf_addf(out, " %s", o->job);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

/* The argv of ssh, for --dry-run. */
static int
print(const struct strv *argv, struct err *e)
{
	struct buf line;
	size_t i;
	int rc = 0;

	buf_init(&line, 65536);
	for (i = 0; rc == 0 && i < argv->n; i++)
		if ((i > 0 && buf_addc(&line, ' ') == -1) ||
		    esc_sh(&line, argv->v[i]) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
	if (rc == 0)
		puts(line.data);
	buf_clear(&line);
	return rc;
}

/* Two pipes: what ssh reads and writes, what we do. */
static int
open_pipes(int theirs[2], int ours[2], struct err *e)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) == -1)
		return err_sys(e, "pipe");
	if (pipe2(from, O_CLOEXEC) == -1) {
		close(to[0]);
		close(to[1]);
		return err_sys(e, "pipe");
	}
	theirs[0] = to[0];
	theirs[1] = from[1];
	ours[0] = from[0];
	ours[1] = to[1];
	return 0;
}

static int
start_ssh(struct pull *p, const struct strv *argv, struct err *e)
{
	struct link_spec k = { .dest = p->j->destination, .argv = argv->v,
		.on_end = on_ssh_end, .arg = p };
	int theirs[2] = { -1, -1 }, ours[2] = { -1, -1 };

	if (open_pipes(theirs, ours, e) == -1)
		return -1;
	k.in = theirs[0];
	k.out = theirs[1];
	p->ssh = link_start(p->s.loop, &k, e);
	close(theirs[0]);
	close(theirs[1]);
	if (p->ssh == NULL) {
		close(ours[0]);
		close(ours[1]);
		return -1;
	}
	return serve_chan(&p->s, ours[0], ours[1], e);
}

static int
start(struct pull *p, struct err *e)
{
	const struct backup_opts *o = p->s.o;
	struct strv options = { 0 }, argv = { 0 };
	struct sshargv_opts ssh = {
		.program = o->ssh != NULL ? o->ssh : p->j->ssh,
		.config = o->ssh_config != NULL ? o->ssh_config :
		    p->j->ssh_config,
		.options = &options, .connect_timeout_s = CONNECT_S };
	struct buf what;
	size_t i;
	int rc = 0;

	if (p->j->postern == 0 && !o->dry_run) {
		plain(p);
		return 0;
	}
	buf_init(&what, 4096);
	for (i = 0; rc == 0 && i < o->ssh_options.n; i++)
		if (strv_add(&options, o->ssh_options.v[i]) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
	if (rc == 0 && keys_pull(p->j, &options, e) == 0 &&
	    bulk_options(&ssh, p->j->destination, &options, e) == 0 &&
	    command(p, &what, e) == 0 && sshargv_build(&ssh,
	    p->j->destination, what.data, &argv, e) == 0)
		rc = o->dry_run ? print(&argv, e) : start_ssh(p, &argv, e);
	else
		rc = -1;
	strv_clear(&argv);
	buf_clear(&what);
	strv_clear(&options);
	return rc;
}

/* --- whom --- */

/* The [client NAME] of the host, made up when the file has none. */
static int
find(struct pull *p, const char *host, struct err *e)
{
	struct backup_opts *o = p->s.o;
	const char *name = o->client != NULL ? o->client : host;
	char text[512];
	int n;

	if (o->client == NULL && settings_name(host, host, e) == -1)
		return err_set(e, ERR_USAGE, "pull: '%s' can't be a client's "
		    "name here: say --client NAME", host);
	if (host_check(host, e) == -1)
		return -1;
	n = snprintf(text, sizeof(text), "[client %s]\ndestination = %s\n",
	    name, host);
	settings_client_get(&o->conf, NULL, name, &p->s.policy, &p->j);
	if (p->j == NULL && settings_parse(&o->conf, text, (size_t)n, "pull",
	    e) == -1)
		return -1;
	settings_client_get(&o->conf, NULL, name, &p->s.policy, &p->j);
	if (p->j->destination == NULL &&
	    (p->j->destination = strdup(host)) == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	return serve_policy(&p->s, name, e);
}

int
backup_pull(struct backup_opts *o, struct err *e)
{
	struct pull p = { .s = { .o = o, .status = 1, .on_end = on_end },
		.gone = ERR_INIT };
	int rc = -1;

	if (o->mode != NULL)
		return err_set(e, ERR_USAGE, "pull: there is one way only, "
		    "through its own ssh (no --mode)");
	if (find(&p, o->args.v[0], e) == -1)
		return -1;
	if (o->timeout_ms > 0)
		p.s.policy.timeout = (int64_t)o->timeout_ms;
	p.s.pull = p.j;
	if (serve_loop(&p.s, e) == 0)
		loop_timer_set(p.s.limit, ASK_MS, 0);
	if (p.s.limit != NULL && (o->dry_run || (p.s.show =
	    show_new(p.s.loop, o, p.j, e)) != NULL))
		rc = start(&p, e);
	if (rc == 0 && !o->dry_run)
		rc = loop_run(p.s.loop, e);
	link_free(p.ssh);
	serve_end(&p.s);
	return rc == -1 ? -1 : o->dry_run ? 0 : p.s.status;
}
