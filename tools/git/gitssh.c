/* SPDX-License-Identifier: ISC */
#include "gitssh.h"

#include <string.h>

#include "base/esc.h"
#include "ssh/sshcipher.h"

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

static int
seconds(int64_t ms)
{
	return (int)((ms + 999) / 1000);
}

int
gitssh_path(struct strv *out, const char *name, const char *path)
{
	struct buf word;
	int rc;

	buf_init(&word, 16384);
	rc = buf_addf(&word, "%s=\"", name);
	for (; *path != '\0'; path++) {
		if (*path == '"' || *path == '\\')
			rc = -1;
		rc |= *path == '%' ? buf_adds(&word, "%%") :
		    buf_addc(&word, *path);
	}
	rc |= buf_addc(&word, '"');
	rc = rc != 0 ? -1 : strv_add(out, word.data);
	buf_clear(&word);
	return rc;
}

/* From one question to a silent server to the next; at the third ssh ends. A
 * master keeps the descriptors of a session that does not come to stand as
 * long as its connection lasts, and with them the person: no longer than one
 * waits for an answer. */
static int
alive(const struct gitssh *s)
{
	int set = seconds(s->conf->alive_ms);
	int most = (int)(s->conf->answer_ms / 3000);

	if (s->command != NULL || set <= most)
		return set;
	return most > 0 ? most : 1;
}

/* The options of each ssh of ours; ssh takes the first value it sees. */
static int
options(const struct gitssh *s, struct strv *o)
{
	const struct gitconf_gateway *c = s->conf;
	int bad = 0;

	bad |= gitssh_path(o, "UserKnownHostsFile", c->known_hosts);
	bad |= strv_add(o, "GlobalKnownHostsFile=none");
	bad |= strv_add(o, "UpdateHostKeys=no");
	bad |= gitssh_path(o, "IdentityFile", c->key);
	bad |= strv_add(o, "IdentitiesOnly=yes");
	bad |= strv_add(o, "IdentityAgent=none");
	bad |= strv_add(o, "PreferredAuthentications=publickey");
	bad |= strv_add(o, "AddKeysToAgent=no");
	bad |= strv_add(o, "CanonicalizeHostname=no");
	/* No configuration is read, so nobody chose any. */
	if (sshcipher_here())
		bad |= strv_add(o, SSHCIPHER_FIRST);
	bad |= s->socket != NULL ? gitssh_path(o, "ControlPath", s->socket) :
	    strv_add(o, "ControlPath=none");
	bad |= strv_addf(o, "ControlMaster=%s", s->command == NULL ? "yes" :
	    "no");
	bad |= strv_add(o, "ControlPersist=no");
	bad |= strv_addf(o, "ConnectTimeout=%d", seconds(c->connect_ms));
	bad |= strv_addf(o, "ServerAliveInterval=%d", alive(s));
	bad |= strv_add(o, "ServerAliveCountMax=2");
	bad |= strv_addf(o, "LogLevel=%s", s->log == NULL ? "INFO" : "DEBUG1");
	return bad;
}

/* words[0], then first, then the rest of words. */
static int
join(const struct strv *words, const char *const *first, struct strv *out)
{
	if (strv_add(out, words->v[0]) == -1)
		return -1;
	for (; *first != NULL; first++)
		if (strv_add(out, *first) == -1)
			return -1;
	return strv_addv(out, words->v + 1);
}

int
gitssh_argv(const struct gitssh *s, struct strv *out, struct err *e)
{
	const char *log[] = { "-E", s->log, NULL };
	const char *master[] = { "-N", NULL };
	const char *none[] = { NULL };
	struct strv words = { 0 }, opts = { 0 };
	struct sshargv_opts o = { .program = s->conf->ssh, .config = "none",
		.options = &opts };
	int rc = -1;

	if (options(s, &opts) != 0)
		no_mem(e);
	else if (sshargv_build(&o, s->dest, s->command != NULL ?
	    s->command : "", &words, e) == -1)
		;
	else if (join(&words, s->command == NULL ? master :
	    s->log != NULL ? log : none, out) == -1)
		no_mem(e);
	else
		rc = 0;
	/* A master has no command at all, not an empty one. */
	if (rc == 0 && s->command == NULL) {
		out->n--;
		free(out->v[out->n]);
		out->v[out->n] = NULL;
	}
	strv_clear(&words);
	strv_clear(&opts);
	return rc;
}

int
gitssh_check_argv(const struct gitssh *s, struct strv *out, struct err *e)
{
	int bad = 0;

	bad |= strv_add(out, s->conf->ssh);
	bad |= strv_add(out, "-F");
	bad |= strv_add(out, "none");
	bad |= strv_add(out, "-O");
	bad |= strv_add(out, "check");
	bad |= gitssh_path(out, "-oControlPath", s->socket);
	/* Only a label, since the master is found by its socket. */
	bad |= strv_add(out, "--");
	bad |= strv_add(out, "server");
	return bad != 0 ? no_mem(e) : 0;
}

/* Seen in OpenSSH 9.2: ssh.c, clientloop.c and mux.c at DEBUG1. */
static bool
stands(const char *line)
{
	return strstr(line, "Entering interactive session") != NULL ||
	    strstr(line, "master session id: ") != NULL;
}

struct gitssh_said
gitssh_said(const char *text, size_t len, struct buf *why)
{
	struct gitssh_said r = { false, SSHFAIL_OTHER };
	const char *end = text + len, *nl;
	const char *best = NULL;
	char line[512];
	enum sshfail f;
	size_t n, best_len = 0;

	for (; text < end; text = nl < end ? nl + 1 : end) {
		nl = memchr(text, '\n', (size_t)(end - text));
		if (nl == NULL)
			nl = end;
		n = (size_t)(nl - text);
		n = n < sizeof(line) ? n : sizeof(line) - 1;
		memcpy(line, text, n);
		line[n] = '\0';
		r.stood = r.stood || stands(line);
		if (strncmp(line, "debug", 5) == 0)
			continue;
		f = sshargv_fail(line);
		if (f == SSHFAIL_OTHER || f < r.fail)
			continue;
		r.fail = f;
		best = text;
		best_len = n;
	}
	if (best == NULL || why == NULL)
		return r;
	/* ssh ends its lines with CR LF in a terminal's raw mode. */
	while (best_len > 0 && (best[best_len - 1] == '\r' ||
	    best[best_len - 1] == ' '))
		best_len--;
	if (esc_text(why, best, best_len) == -1)
		buf_clear(why);
	return r;
}
