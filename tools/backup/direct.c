/* SPDX-License-Identifier: ISC */
#include "direct.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/esc.h"
#include "base/num.h"
#include "cmd.h"
#include "grants.h"
#include "half.h"
#include "keys.h"
#include "late.h"
#include "secret/memfile.h"
#include "scratch.h"
#include "source.h"
#include "ssh/host.h"
#include "ssh/oneshot.h"
#include "ssh/sshargv.h"
#include "sys/file.h"

#define RESOLVE_MS 10000
#define PEERS_MAX 8

struct direct {
	struct loop *loop;
	const struct settings_job *j;
	struct direct_calls calls;
	struct oneshot *sshd;
	char *dir;		/* of the gate's files */
	int rc;			/* direct_rc() */
};

/* --- where the store is --- */

/* The host that ssh would connect to, as `ssh -G` prints it; "" when it goes
 * there through another one. */
static int
host_of(const char *text, char *out, size_t cap)
{
	const char *line, *nl;
	bool jump = false;

	*out = '\0';
	for (line = text; *line != '\0'; line = nl + (*nl == '\n')) {
		nl = strchrnul(line, '\n');
		if (strncmp(line, "hostname ", 9) == 0)
			snprintf(out, cap, "%.*s", (int)(nl - line - 9),
			    line + 9);
		if (strncmp(line, "proxyjump ", 10) == 0 ||
		    strncmp(line, "proxycommand ", 13) == 0)
			jump = true;
	}
	return *out != '\0' && !jump ? 0 : -1;
}

static int
ask_ssh(const struct settings_job *j, char *host, size_t cap, struct err *e)
{
	struct strv argv = { 0 };
	struct buf said;
	size_t i;
	int rc, status = 0;

	if (host_check(j->destination, e) == -1)
		return -1;
	buf_init(&said, CMD_OUT_MAX);
	rc = strv_add(&argv, j->ssh != NULL ? j->ssh : "ssh");
	if (j->ssh_config != NULL)
		rc |= strv_add(&argv, "-F") | strv_add(&argv, j->ssh_config);
	for (i = 0; i < j->ssh_options.n; i++)
		rc |= strv_add(&argv, "-o") |
		    strv_add(&argv, j->ssh_options.v[i]);
	rc |= strv_add(&argv, "-G");
	rc |= host_words(j->destination, &argv);
	if (rc != 0)
		rc = err_set(e, ERR_MEM, "out of memory");
	else
		rc = cmd_run(argv.v, RESOLVE_MS, &said, &status, e);
	if (rc == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0 ||
	    host_of(said.data, host, cap) == -1))
		rc = err_set(e, ERR_CONFIG, "%s: ssh doesn't connect to it "
		    "directly: say where the store comes from (direct-from)",
		    j->destination);
	buf_clear(&said);
	strv_clear(&argv);
	return rc;
}

static int
resolve(const char *host, struct strv *out, struct err *e)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL, *ai;
	char text[NI_MAXHOST];
	int rc = getaddrinfo(host, NULL, &hints, &all);

	if (rc != 0)
		return err_set(e, ERR_TIMEOUT, "%s: %s", host,
		    gai_strerror(rc));
	for (ai = all; rc == 0 && ai != NULL && out->n < PEERS_MAX;
	    ai = ai->ai_next)
		if (getnameinfo(ai->ai_addr, ai->ai_addrlen, text,
		    sizeof(text), NULL, 0, NI_NUMERICHOST) == 0 &&
		    strv_add(out, text) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
	freeaddrinfo(all);
	return rc;
}

int
direct_peers(const struct settings_job *j, struct strv *out, struct err *e)
{
	char host[NI_MAXHOST];

	if (j->direct_from.n > 0)
		return strv_addv(out, j->direct_from.v) == 0 ? 0 :
		    err_set(e, ERR_MEM, "out of memory");
	if (ask_ssh(j, host, sizeof(host), e) == -1)
		return -1;
	return resolve(host, out, e);
}

/* --- the sshd --- */

static void
on_line(void *arg, const char *line)
{
	struct direct *d = arg;
	uint64_t rc;

	if (strncmp(line, DIRECT_RC, sizeof(DIRECT_RC) - 1) != 0)
		d->calls.on_line(d->calls.arg, line);
	else if (num_u64(line + sizeof(DIRECT_RC) - 1, "status", 0, 255, &rc,
	    NULL) == 0)
		d->rc = (int)rc;
}

static void
on_end(void *arg, const struct err *e)
{
	struct direct *d = arg;

	d->calls.on_end(d->calls.arg, e);
}

struct direct *
direct_new(struct loop *l, const struct settings_job *j,
    const struct strv *peers, const struct direct_calls *calls,
    struct err *e)
{
	struct direct *d = calloc(1, sizeof(*d)), *ret = NULL;
	struct oneshot_calls c = { .on_line = on_line, .on_end = on_end,
		.arg = d };

	if (d == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	d->loop = l;
	d->j = j;
	d->calls = *calls;
	d->rc = -1;
	if (memfile_harden(e) == 0) {
		d->sshd = oneshot_new(l, peers, (uint16_t)j->direct_port, &c,
		    e);
		ret = d->sshd != NULL ? d : NULL;
	}
	if (ret == NULL)
		direct_free(d);
	return ret;
}

void
direct_free(struct direct *d)
{
	if (d == NULL)
		return;
	oneshot_free(d->sshd);
	scratch_remove(d->dir);
	free(d);
}

int
direct_rc(const struct direct *d)
{
	oneshot_read(d->sshd);
	return d->rc;
}

void
direct_late(const struct direct *d, char *said, size_t cap)
{
	struct unread left;
	struct buf text;
	char *path;

	if (d->dir == NULL || asprintf(&path, "%s" SOURCE_LEFT, d->dir) == -1)
		return;
	buf_init(&text, GRANTS_MAX);
	if (file_read(path, &text, NULL) == 0 && unread_parse(text.data,
	    text.len, &left, NULL) == 0) {
		late_name(&left, said, cap);
		unread_clear(&left);
	}
	buf_clear(&text);
	free(path);
}

int
direct_request(const struct direct *d, struct request *q, struct err *e)
{
	q->direct = true;
	if (asprintf(&q->port, "%u", oneshot_port(d->sshd)) == -1)
		q->port = NULL;
	q->host_key = strdup(oneshot_host_key(d->sshd));
	q->user = strdup(oneshot_user(d->sshd));
	if (q->port == NULL || q->host_key == NULL || q->user == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

/* For a login shell: "exec", so that it stands in nobody's way. */
static int
command(const struct direct *d, struct buf *out, struct err *e)
{
	const struct settings_job *j = d->j;
	char program[4096], io[32];
	const char *ionice = source_ionice(j->ionice, io);
	int rc;

	if (half_program("postern-backup-gate", program, sizeof(program),
	    e) == -1)
		return -1;
	rc = buf_adds(out, "exec ");
	rc |= esc_sh(out, program);
	rc |= buf_adds(out, " --dir ");
	rc |= esc_sh(out, d->dir);
	if (j->nice > 0)
		rc |= buf_addf(out, " --nice %d", (int)j->nice);
	if (ionice != NULL)
		rc |= buf_addf(out, " --ionice %s", ionice);
	if (j->bandwidth > 0)
		rc |= buf_addf(out, " --bwlimit %lld",
		    (long long)(j->bandwidth + 1023) / 1024);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

static void
on_sent(void *arg)
{
	struct direct *d = arg;

	oneshot_forget(d->sshd);
}

int
direct_open(struct direct *d, struct chan *c, struct err *e)
{
	struct source_spec s = { .path = "/",
		.rules = { &d->j->roots, &d->j->excludes } };
	struct buf what;
	char *meet = NULL;
	int rc = -1;

	buf_init(&what, 16384);
	if (source_files(&s, &d->dir, e) == -1 || command(d, &what, e) == -1)
		goto out;
	if (asprintf(&meet, "%s" SOURCE_MEET, d->dir) == -1) {
		meet = NULL;
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	if (oneshot_open(d->sshd, what.data, meet,
	    (uint64_t)d->j->connect_timeout, e) == 0)
		rc = chan_send_key(c, secret_data(oneshot_key(d->sshd)),
		    on_sent, d, e);
out:
	buf_clear(&what);
	free(meet);
	return rc;
}
