/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ssh/edkey.h"
#include "ssh/oneshot_conf.h"
#include "ssh/oneshot_priv.h"

#define CONF_MAX 16384

static int
make_keys(struct oneshot *o, struct err *e)
{
	struct secret *seed = edkey_new(e), *file = NULL;
	struct buf b;
	int rc = -1;

	buf_init(&b, 256);
	o->key = edkey_new(e);
	if (seed == NULL || o->key == NULL ||
	    edkey_public(o->key, &b, e) == -1)
		goto out;
	o->login_key = buf_steal(&b);
	if (edkey_public(seed, &b, e) == -1)
		goto out;
	o->host_key = buf_steal(&b);
	if (o->login_key == NULL || o->host_key == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	file = edkey_private(seed, e);
	if (file != NULL)
		rc = memfile_init(&o->host_file, secret_data(file),
		    secret_len(file), e);
out:
	secret_free(file);
	secret_free(seed);
	buf_clear(&b);
	return rc;
}

static int
whoami(struct oneshot *o, struct err *e)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwuid(geteuid());
	if (pw == NULL)
		return err_set(e, ERR_CONFIG, "uid %lu has no name",
		    (unsigned long)geteuid());
	o->user = strdup(pw->pw_name);
	return o->user != NULL ? 0 : err_set(e, ERR_MEM, "out of memory");
}

struct oneshot *
oneshot_new(struct loop *l, const struct strv *peers, uint16_t port,
    const struct oneshot_calls *calls, struct err *e)
{
	struct oneshot *o = calloc(1, sizeof(*o));
	size_t i;
	int rc = 0;

	if (o == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	o->loop = l;
	o->calls = *calls;
	o->leash = -1;
	for (i = 0; rc == 0 && i < peers->n && i < ONESHOT_NET_MAX; i++)
		if (strv_add(&o->peers, peers->v[i]) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
	if (rc == -1 || whoami(o, e) == -1 || make_keys(o, e) == -1 ||
	    oneshot_net_bind(&o->net, &o->peers, port, e) == -1) {
		oneshot_free(o);
		return NULL;
	}
	return o;
}

static int
write_conf(struct oneshot *o, const char *command, struct err *e)
{
	const struct oneshot_conf c = { .host_key = o->host_file.path,
		.user = o->user, .login_key = o->login_key,
		.peers = &o->peers, .command = command };
	struct buf b;
	int rc;

	buf_init(&b, CONF_MAX);
	rc = oneshot_conf_emit(&c, &b, e);
	if (rc == 0)
		rc = memfile_init(&o->conf, b.data, b.len, e);
	buf_clear(&b);
	return rc;
}

int
oneshot_open(struct oneshot *o, const char *command, const char *meet,
    uint64_t timeout_ms, struct err *e)
{
	size_t i;

	if (access(ONESHOT_SSHD, X_OK) == -1)
		return err_sys(e, "%s (mode = direct needs it)",
		    ONESHOT_SSHD);
	if (write_conf(o, command, e) == -1)
		return -1;
	o->meet = listen_unix(o->loop, meet, oneshot_on_meet, o, e);
	o->timeout_ms = timeout_ms;
	o->deadline = loop_timer_new(o->loop, timeout_ms, 0,
	    oneshot_on_deadline, o, e);
	if (o->meet == NULL || o->deadline == NULL)
		return -1;
	for (i = 0; i < o->net.nfds; i++) {
		if (listen(o->net.fd[i], ONESHOT_STRANGERS) == -1)
			return err_sys(e, "port %u", o->net.port);
		o->watch[i] = loop_fd_new(o->loop, o->net.fd[i], POLLIN,
		    oneshot_on_connection, o, e);
		if (o->watch[i] == NULL)
			return -1;
	}
	return 0;
}
