/* SPDX-License-Identifier: ISC */
#include "ssh/sshargv.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/buf.h"
#include "ssh/host.h"

/* Options that nothing may override: ssh keeps the first value it sees. */
static char *const promises[] = {
	"-T", "-x", "-a", "-e", "none",
	"-oBatchMode=yes",
	"-oStrictHostKeyChecking=yes",
	"-oNoHostAuthenticationForLocalhost=no",
	"-oPermitLocalCommand=no",
	"-oForwardAgent=no",
	"-oTunnel=no",
	/* Settings of a configuration under which no command of ours would
	 * run, or not on our stdin. */
	"-oRemoteCommand=none",
	"-oSessionType=default",
	"-oStdinNull=no",
	"-oForkAfterAuthentication=no",
	NULL
};

/* Used where neither -o nor the row above has said otherwise. */
static char *const defaults[] = {
	"-oServerAliveInterval=5",
	"-oServerAliveCountMax=3",
	"-oLogLevel=INFO",
	NULL
};

static int
check_user(const char *user, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, 1024);
	if (buf_addf(&b, "%s@host", user) == -1)
		rc = err_set(e, ERR_CONFIG, "ssh user: too long");
	else if (strchr(user, '@') != NULL || strstr(user, "://") != NULL)
		rc = err_set(e, ERR_CONFIG, "ssh user: has an '@' or '://'");
	else
		rc = host_check(b.data, e);
	buf_clear(&b);
	return rc;
}

static int
add_each(struct strv *out, const char *flag, const struct strv *words)
{
	size_t i;

	for (i = 0; words != NULL && i < words->n; i++)
		if (strv_add(out, flag) == -1 ||
		    strv_add(out, words->v[i]) == -1)
			return -1;
	return 0;
}

static int
add_forwards(const struct sshargv_opts *o, struct strv *out)
{
	if (o->remote_forwards == NULL || o->remote_forwards->n == 0)
		return strv_add(out, "-oClearAllForwardings=yes");
	if (strv_add(out, "-oControlPath=none") == -1 ||
	    strv_add(out, "-oExitOnForwardFailure=yes") == -1)
		return -1;
	return add_each(out, "-R", o->remote_forwards);
}

/* Everything but the two checks, each failure of which is out of memory. */
static int
build(const struct sshargv_opts *o, const char *dest, const char *command,
    struct strv *out)
{
	if (strv_add(out, o->program != NULL ? o->program : "ssh") == -1)
		return -1;
	if (o->config != NULL && (strv_add(out, "-F") == -1 ||
	    strv_add(out, o->config) == -1))
		return -1;
	if (strv_addv(out, promises) == -1 || add_forwards(o, out) == -1 ||
	    add_each(out, "-o", o->options) == -1)
		return -1;
	if (o->connect_timeout_s > 0 && strv_addf(out, "-oConnectTimeout=%u",
	    o->connect_timeout_s) == -1)
		return -1;
	if (strv_addv(out, defaults) == -1)
		return -1;
	/* -l would win over the user of user@host. */
	if (o->user != NULL && strchr(dest, '@') == NULL &&
	    (strv_add(out, "-l") == -1 || strv_add(out, o->user) == -1))
		return -1;
	if (host_words(dest, out) != 0)
		return -1;
	return strv_add(out, command);
}

int
sshargv_build(const struct sshargv_opts *o, const char *dest,
    const char *command, struct strv *out, struct err *e)
{
	if (host_check(dest, e) == -1)
		return -1;
	if (o->user != NULL && check_user(o->user, e) == -1)
		return -1;
	if (build(o, dest, command, out) == -1)
		return err_set(e, ERR_MEM, "ssh %s: too many options or out "
		    "of memory", dest);
	return 0;
}

/*
 * What OpenSSH's client writes (ssh.c, sshconnect.c, clientloop.c, packet.c,
 * mux.c of 8.7 to 9.9). The first row whose text is in the line decides, so
 * what is special stands before what is general.
 */
static const struct { const char *text; enum sshfail fail; } says[] = {
	/* A forwarded channel's trouble is not the connection's. */
	{ ": open failed: ", SSHFAIL_OTHER },
	{ "connect_to ", SSHFAIL_OTHER },

	{ "REMOTE HOST IDENTIFICATION HAS CHANGED", SSHFAIL_HOSTKEY_CHANGED },
	{ "has changed and you have requested strict checking",
	    SSHFAIL_HOSTKEY_CHANGED },
	{ "REVOKED HOST KEY DETECTED", SSHFAIL_HOSTKEY_CHANGED },
	{ "host key is known for ", SSHFAIL_HOSTKEY_UNKNOWN },
	{ "Host key verification failed", SSHFAIL_HOSTKEY_UNKNOWN },

	/* With the methods in brackets: a file's error has none. */
	{ ": Permission denied (", SSHFAIL_DENIED },
	{ "Too many authentication failures", SSHFAIL_DENIED },
	{ "No more authentication methods to try", SSHFAIL_DENIED },
	{ "no mutual signature algorithm", SSHFAIL_DENIED },

	{ "client_loop: ", SSHFAIL_LOST },
	{ "Read from remote host ", SSHFAIL_LOST },
	{ "Write failed: ", SSHFAIL_LOST },
	{ "Timeout, server ", SSHFAIL_LOST },

	/* Something took the connection, but no sshd spoke. */
	{ "kex_exchange_identification: ", SSHFAIL_UNREACHABLE },
	{ "ssh_exchange_identification: ", SSHFAIL_UNREACHABLE },
	{ "banner exchange: ", SSHFAIL_UNREACHABLE },
	{ "during banner exchange", SSHFAIL_UNREACHABLE },
	{ "Timed out waiting for SSH identification",
	    SSHFAIL_UNREACHABLE },
	{ "Could not resolve hostname", SSHFAIL_UNREACHABLE },
	{ "Connection refused", SSHFAIL_UNREACHABLE },
	{ "Connection timed out", SSHFAIL_UNREACHABLE },
	{ "Operation timed out", SSHFAIL_UNREACHABLE },
	{ "No route to host", SSHFAIL_UNREACHABLE },
	{ "Host is down", SSHFAIL_UNREACHABLE },
	{ "Network is unreachable", SSHFAIL_UNREACHABLE },
	{ "connect to host ", SSHFAIL_UNREACHABLE },

	{ "Connection closed by ", SSHFAIL_LOST },
	{ "Connection reset by ", SSHFAIL_LOST },
	{ " closed by remote host", SSHFAIL_LOST },
	{ "Received disconnect from ", SSHFAIL_LOST },
	{ "Disconnected from ", SSHFAIL_LOST },
	{ "ssh_dispatch_run_fatal: ", SSHFAIL_LOST },
	{ "mux_client_request_session: ", SSHFAIL_LOST },
};

/* "Connection to ADDRESS port N timed out": the address is in the middle. */
static bool
connection_timed_out(const char *line)
{
	const char *p = strstr(line, "Connection to ");

	return p != NULL && strstr(p, " timed out") != NULL;
}

enum sshfail
sshargv_fail(const char *line)
{
	size_t i;

	for (i = 0; i < sizeof(says) / sizeof(says[0]); i++)
		if (strstr(line, says[i].text) != NULL)
			return says[i].fail;
	if (connection_timed_out(line))
		return SSHFAIL_UNREACHABLE;
	return SSHFAIL_OTHER;
}

const char *
sshargv_failname(enum sshfail f)
{
	switch (f) {
	case SSHFAIL_LOST:
		return "connection lost";
	case SSHFAIL_UNREACHABLE:
		return "unreachable";
	case SSHFAIL_DENIED:
		return "not permitted";
	case SSHFAIL_HOSTKEY_UNKNOWN:
		return "host key not known";
	case SSHFAIL_HOSTKEY_CHANGED:
		return "host key changed";
	case SSHFAIL_OTHER:
		break;
	}
	return "failed";
}
