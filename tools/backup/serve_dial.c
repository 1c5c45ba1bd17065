/* SPDX-License-Identifier: ISC */
#include "serve_dial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bulk.h"
#include "dial.h"
#include "keys.h"
#include "proc/msg.h"
#include "secret/memfile.h"
#include "ssh/edkey.h"
#include "ssh/sshcipher.h"

#define CONNECT_S 20
#define ALIAS "postern-direct"

struct serve_dial {
	struct serve *s;
	char *dest;
	struct strv options;
	struct sshargv_opts ssh;
	struct memfile key, known_hosts;
	struct rules rules;
	bool judged;		/* dial_spec's */
	struct dial *dial;
	struct xfer_calls calls;
};

static struct serve_dial *
make(struct serve *s, struct err *e)
{
	struct serve_dial *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	d->s = s;
	d->ssh.options = &d->options;
	d->ssh.connect_timeout_s = CONNECT_S;
	d->rules = (struct rules){ &s->req.roots, &s->req.excludes };
	return d;
}

void
serve_dial_free(struct serve_dial *d)
{
	if (d == NULL)
		return;
	dial_free(d->dial);
	memfile_clear(&d->key);
	memfile_clear(&d->known_hosts);
	strv_clear(&d->options);
	free(d->dest);
	free(d);
}

/* --- mode = direct --- */

/* Where sshd says that this client's connection comes from. */
static int
find_client(struct serve_dial *d, struct err *e)
{
	const char *env = getenv("SSH_CONNECTION");
	size_t n = env != NULL ? strcspn(env, " ") : 0;
	bool v6;

	if (n == 0)
		return err_set(e, ERR_CONFIG, "sshd doesn't say where the "
		    "client is (SSH_CONNECTION)");
	v6 = memchr(env, ':', n) != NULL;
	if (asprintf(&d->dest, "ssh://%s%.*s%s:%s", v6 ? "[" : "", (int)n,
	    env, v6 ? "]" : "", d->s->req.port) == -1) {
		d->dest = NULL;
		return err_set(e, ERR_MEM, "out of memory");
	}
	return 0;
}

/* The private key's file, from its seed, by way of locked memory only. */
static int
put_key(struct serve_dial *d, const void *seed, struct err *e)
{
	struct secret *s = secret_new(EDKEY_SEED, e), *file = NULL;
	int rc = -1;

	if (s != NULL) {
		memcpy(secret_data_mut(s), seed, EDKEY_SEED);
		file = edkey_private(s, e);
	}
	if (file != NULL)
		rc = memfile_init(&d->key, secret_data(file),
		    secret_len(file), e);
	secret_free(s);
	secret_free(file);
	return rc;
}

static int
put_known_hosts(struct serve_dial *d, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, 1024);
	rc = buf_addf(&b, ALIAS " %s\n", d->s->req.host_key);
	rc = rc == -1 ? err_set(e, ERR_MEM, "out of memory") :
	    memfile_init(&d->known_hosts, b.data, b.len, e);
	buf_clear(&b);
	return rc;
}

struct serve_dial *
serve_dial_direct(struct serve *s, const void *seed, struct err *e)
{
	static char *const fixed[] = { "IdentitiesOnly=yes",
		"IdentityAgent=none", "PreferredAuthentications=publickey",
		"GlobalKnownHostsFile=/dev/null", "UpdateHostKeys=no",
		"HostKeyAlias=" ALIAS, "HostKeyAlgorithms=ssh-ed25519",
		"ControlMaster=no", "ControlPath=none", NULL };
	struct serve_dial *d = make(s, e);

	if (d == NULL)
		return NULL;
	if (memfile_harden(e) == -1 || find_client(d, e) == -1 ||
	    put_key(d, seed, e) == -1 || put_known_hosts(d, e) == -1)
		goto fail;
	if (strv_addf(&d->options, "IdentityFile=%s", d->key.path) == -1 ||
	    strv_addf(&d->options, "UserKnownHostsFile=%s",
	    d->known_hosts.path) == -1 || strv_addv(&d->options,
	    fixed) == -1 || (sshcipher_here() &&
	    strv_add(&d->options, SSHCIPHER_FIRST) == -1)) {
		err_set(e, ERR_MEM, "out of memory");
		goto fail;
	}
	/* The owner's own configuration is about other hosts. */
	d->ssh.config = "/dev/null";
	d->ssh.user = s->req.user;
	d->judged = true;
	return d;
fail:
	serve_dial_free(d);
	return NULL;
}

/* --- a host without postern --- */

struct serve_dial *
serve_dial_plain(struct serve *s, struct err *e)
{
	const struct backup_opts *o = s->o;
	struct serve_dial *d = make(s, e);
	int rc = 0;

	if (d == NULL)
		return NULL;
	d->ssh.program = o->ssh != NULL ? o->ssh : s->pull->ssh;
	d->ssh.config = o->ssh_config != NULL ? o->ssh_config :
	    s->pull->ssh_config;
	d->dest = strdup(s->pull->destination);
	if (o->ssh_options.n > 0)
		rc = strv_addv(&d->options, o->ssh_options.v);
	if (d->dest == NULL || rc == -1)
		err_set(e, ERR_MEM, "out of memory");
	else if (keys_pull(s->pull, &d->options, e) == 0 &&
	    bulk_options(&d->ssh, d->dest, &d->options, e) == 0)
		return d;
	serve_dial_free(d);
	return NULL;
}

/* --- the transfer --- */

static void
on_line(void *arg, enum child_stream stream, const char *line, size_t len,
    bool cut)
{
	struct serve_dial *d = arg;

	d->calls.on_line(d->s, stream, line, len, cut);
}

static void
on_over(void *arg, int rc, int peer_rc, const struct reply *left,
    const char *said)
{
	struct serve_dial *d = arg;
	struct serve *s = d->s;

	memfile_clear(&d->key);
	s->xfer.rc = rc;
	s->xfer.peer_rc = peer_rc;
	s->xfer.peer_left = *left;
	snprintf(s->xfer.said, sizeof(s->xfer.said), "%s", said);
	d->calls.on_over(s);
}

int
serve_dial_start(struct serve_dial *d, const struct sink_spec *sink,
    const struct xfer_calls *calls, struct err *e)
{
	struct dial_spec spec = { .sink = *sink, .dest = d->dest,
		.ssh = &d->ssh, .judged = d->judged, .on_line = on_line,
		.on_over = on_over, .arg = d };

	spec.sink.plain = &d->rules;
	d->calls = *calls;
	d->dial = dial_start(d->s->loop, &spec, e);
	return d->dial != NULL ? 0 : -1;
}

void
serve_dial_lost(struct serve_dial *d)
{
	dial_lost(d->dial);
}
