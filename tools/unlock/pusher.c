/* SPDX-License-Identifier: ISC */
#include "pusher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote/remote.h"
#include "run.h"
#include "ui/log.h"

#define BEAT_MS 1000
#define LEAVE_MS 5000

struct pusher {
	struct session *session;
	const char *host;		/* borrowed from the plan */
	struct pusher_ops ops;
	bool ready;
	struct strv fifos;	/* that csync2 reads, for push-fifo.sh */
	size_t nown;			/* so many of them are pushed */
	struct secret *nobodys;		/* a key that opens nothing */
	bool busy;			/* it refused since another is at it */
	char refusal[256];		/* what the script refused with */
	bool over;
	void (*left)(void *arg);	/* of pusher_leave() */
	void *left_arg;
};

/* A number and a space at the head of text. -1 when there is none. */
static int
take_number(const char **text, size_t *ret)
{
	char *end;
	unsigned long n;

	if (**text < '0' || **text > '9')
		return -1;
	n = strtoul(*text, &end, 10);
	if (*end != ' ' && *end != '\0')
		return -1;
	*text = *end == ' ' ? end + 1 : end;
	*ret = n;
	return 0;
}

static void
on_event(void *arg, const char *ev, const char *text)
{
	struct pusher *p = arg;
	const struct pusher_ops *o = &p->ops;
	size_t n = 0, m = 0;

	if (strcmp(ev, "ready") == 0 && o->on_ready != NULL && !p->ready) {
		p->ready = true;
		session_run_ms(p->session, 0);
		o->on_ready(o->arg);
	} else if (strcmp(ev, "refuse") == 0) {
		p->busy = strncmp(text, "busy ", 5) == 0;
		snprintf(p->refusal, sizeof(p->refusal), "%s",
		    strchr(text, ' ') != NULL ? strchr(text, ' ') + 1 : text);
	} else if (take_number(&text, &n) == -1) {
		log_debug("pusher: %s %s", ev, text);
	} else if (strcmp(ev, "scanned") == 0 && o->on_scanned != NULL) {
		(void)take_number(&text, &m);
		o->on_scanned(o->arg, n, m);
	} else if (strcmp(ev, "out-scan") == 0 && o->on_scan_text != NULL) {
		o->on_scan_text(o->arg, n, text);
	} else if (strcmp(ev, "failed") == 0 && o->on_scan_failed != NULL) {
		o->on_scan_failed(o->arg, n, text);
	} else if (strcmp(ev, "end") == 0 && o->on_end != NULL) {
		(void)take_number(&text, &m);
		o->on_end(o->arg, n, (unsigned)m);
	} else if ((strcmp(ev, "out") == 0 || strcmp(ev, "dirty") == 0) &&
	    o->on_text != NULL) {
		o->on_text(o->arg, n, ev, text);
	} else {
		log_debug("pusher: %s %zu %s", ev, n, text);
	}
}

/* "Allocated port 41234 for remote forward to 127.0.0.1:40001" */
static void
on_noise(void *arg, enum child_stream s, const char *line)
{
	struct pusher *p = arg;
	unsigned remote, local;

	(void)s;
	if (p->ops.on_forward != NULL && sscanf(line, "Allocated port %u for "
	    "remote forward to 127.0.0.1:%u", &remote, &local) == 2 &&
	    remote <= 65535 && local <= 65535)
		p->ops.on_forward(p->ops.arg, (uint16_t)remote,
		    (uint16_t)local);
	else
		log_debug("pusher: %s", line);
}

static void
on_end(void *arg, const struct session_end *end)
{
	struct pusher *p = arg;
	char why[640];

	p->over = true;
	if (p->left != NULL) {
		p->left(p->left_arg);
	} else if (p->ops.on_dead != NULL) {
		snprintf(why, sizeof(why), "the pushing host %s: %s", p->host,
		    p->refusal[0] != '\0' ? p->refusal : end->why);
		p->ops.on_dead(p->ops.arg, why, p->busy || end->timed_out ||
		    end->fail == SSHFAIL_LOST ||
		    end->fail == SSHFAIL_UNREACHABLE);
	}
}

int
pusher_start(struct run *r, const char *script, const struct strv *vars,
    const struct strv *forwards, const struct pusher_ops *ops, struct err *e)
{
	struct run_host *h = &r->hosts[r->plan->pusher];
	struct sshargv_opts ssh = r->ssh;
	struct session_spec s;
	struct pusher *p;

	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	p->ops = *ops;
	p->host = h->ph->name;
	ssh.remote_forwards = forwards;
	run_spec(r, h, &s);
	s.ssh = &ssh;
	s.script = script;
	s.vars = vars;
	s.beat_ms = BEAT_MS;
	s.run_ms = r->o->connect_ms;
	s.on_event = on_event;
	s.on_noise = on_noise;
	s.on_end = on_end;
	s.arg = p;
	p->session = session_start(r->loop, &s, e);
	if (p->session == NULL) {
		free(p);
		return -1;
	}
	r->pusher = p;
	run_host_end(h, REPORT_NOTHING, "pushes", NULL);
	return 0;
}

void
pusher_free(struct pusher *p)
{
	if (p == NULL)
		return;
	session_free(p->session);
	secret_free(p->nobodys);
	strv_clear(&p->fifos);
	free(p);
}

static int
send_line(struct pusher *p, const char *line, struct err *e)
{
	return child_send(session_child(p->session), line, strlen(line), e);
}

int
pusher_conf(struct pusher *p, size_t set, size_t nkeys,
    const struct buf *conf, const char *dir, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, conf->len + 8192);
	if (buf_addf(&b, "conf %zu %zu\n", set, nkeys) == -1 ||
	    buf_add(&b, conf->data, conf->len) == -1 ||
	    buf_addf(&b, "#END\nscan %zu %s\n", set, dir) == -1)
		rc = err_set(e, ERR_MEM, "out of memory");
	else
		rc = child_send(session_child(p->session), b.data, b.len, e);
	buf_clear(&b);
	return rc;
}

int
pusher_job(struct pusher *p, size_t job, const char *args,
    struct secret *const *keys, size_t nkeys, struct err *e)
{
	struct child *c = session_child(p->session);
	struct buf line;
	size_t i;
	int rc;

	buf_init(&line, 1 << 20);
	rc = buf_addf(&line, "push %zu %s\n", job, args);
	if (rc == -1)
		err_set(e, ERR_MEM, "out of memory");
	else
		rc = child_send(c, line.data, line.len, e);
	buf_clear(&line);
	if (rc == -1)
		return -1;
	for (i = 0; i < nkeys; i++)
		if (child_send_secret(c, secret_data(keys[i]),
		    secret_len(keys[i]), NULL, NULL, e) == -1 ||
		    child_send(c, "\n", 1, e) == -1)
			return -1;
	return 0;
}

/* The keys' paths of the pusher's groups, each once, then the others that
 * its csync2 reads. */
static int
fifos_of(const struct run *r, struct strv *out, size_t *ret_own,
    struct err *e)
{
	const struct plan_row *row;
	size_t own;

	for (row = plan_first(r->plan, r->plan->pusher); row != NULL;
	    row = plan_next(r->plan, row))
		if (!strv_has(out, row->key) && strv_add(out, row->key) == -1)
			return err_set(e, ERR_MEM, "out of memory");
	own = out->n;
	if (plan_spare_keys(r->o, r->cfg, r->plan, r->plan->pusher, out,
	    e) == -1)
		return -1;
	*ret_own = own;
	return 0;
}

/* csync2 -G: files of other groups are none of this push. */
static int
groups_var(const struct unlock_opts *o, struct strv *vars)
{
	struct buf b;
	size_t i;
	int rc;

	buf_init(&b, 65536);
	rc = buf_adds(&b, "groups=");
	for (i = 0; i < o->groups.n; i++)
		rc |= buf_addf(&b, "%s%s", i > 0 ? "," : "",
		    o->groups.v[i]);
	rc |= strv_add(vars, b.data);
	buf_clear(&b);
	return rc;
}

static int
fifo_vars(const struct run *r, struct strv *vars, struct err *e)
{
	const struct unlock_opts *o = r->o;
	struct strv fifos = { 0 };
	size_t i, own;
	int rc;

	if (fifos_of(r, &fifos, &own, e) == -1) {
		strv_clear(&fifos);
		return -1;
	}
	rc = strv_addf(vars, "nfifos=%zu", fifos.n);
	rc |= strv_addf(vars, "nown=%zu", own);
	rc |= groups_var(o, vars);
	for (i = 0; i < fifos.n; i++)
		rc |= strv_addf(vars, "fifo%zu=%s", i, fifos.v[i]);
	rc |= strv_addf(vars, "cname=%s", o->cfg_name != NULL ?
	    o->cfg_name : "");
	rc |= strv_addf(vars, "sysdir=%s", o->sysdir_set ? o->sysdir : "");
	rc |= strv_addf(vars, "self=%s", r->plan->hosts[r->plan->pusher].name);
	rc |= strv_addf(vars, "dbdir=%s", o->dbdir != NULL ? o->dbdir : "");
	strv_clear(&fifos);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

int
pusher_fifo_start(struct run *r, const struct pusher_ops *ops, struct err *e)
{
	struct strv vars = { 0 };
	int rc = -1;

	if (fifo_vars(r, &vars, e) == 0)
		rc = pusher_start(r, remote_script("push-fifo"), &vars, NULL,
		    ops, e);
	strv_clear(&vars);
	return rc;
}

/* The key that h's holder feeds to the FIFO at path, or NULL. */
static struct secret *
key_at(const struct run_host *h, const char *path)
{
	const struct plan *p = h->run->plan;
	const struct plan_row *row;
	size_t i = 0;

	for (row = plan_first(p, h->i); row != NULL; row = plan_next(p, row),
	    i++)
		if (strcmp(row->key, path) == 0)
			return h->keys[i];
	return NULL;
}

int
pusher_fifo_job(struct pusher *p, struct run_host *h, size_t job,
    const char *peers, struct err *e)
{
	struct secret **keys;
	const struct run *r = h->run;
	size_t i;
	int rc;

	if (p->fifos.n == 0 && fifos_of(r, &p->fifos, &p->nown, e) == -1)
		return -1;
	if (p->nobodys == NULL) {
		p->nobodys = key_random(e);
		if (p->nobodys == NULL)
			return -1;
	}
	keys = calloc(p->fifos.n, sizeof(struct secret *));
	if (keys == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < p->fifos.n; i++) {
		keys[i] = key_at(h, p->fifos.v[i]);
		/* A shared job is for all receivers, of whatever group. */
		if (keys[i] == NULL && i < p->nown &&
		    r->o->way == UNLOCK_SHARED)
			keys[i] = key_fixed(r->key);
		if (keys[i] == NULL)
			keys[i] = p->nobodys;
	}
	rc = pusher_job(p, job, peers, keys, p->fifos.n, e);
	free(keys);
	return rc;
}

bool
pusher_is_sum(const char *text)
{
	static const char sum[] = "Finished with ";

	return strncmp(text, sum, sizeof(sum) - 1) == 0;
}

int
pusher_stop(struct pusher *p, size_t job, struct err *e)
{
	char line[32];

	snprintf(line, sizeof(line), "stop %zu\n", job);
	return send_line(p, line, e);
}

void
pusher_quit(struct pusher *p)
{
	struct err e = ERR_INIT;

	if (send_line(p, "quit\n", &e) == 0)
		child_close_stdin(session_child(p->session));
}

bool
pusher_leave(struct pusher *p, void (*done)(void *arg), void *arg)
{
	if (p->over)
		return false;
	p->left = done;
	p->left_arg = arg;
	pusher_quit(p);
	session_run_ms(p->session, LEAVE_MS);
	return true;
}
