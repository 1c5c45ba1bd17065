/* SPDX-License-Identifier: ISC */
#include "pin_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/esc.h"
#include "base/strv.h"
#include "cmd.h"
#include "ssh/host.h"
#include "sys/file.h"
#include "ui/log.h"

#define CONTACT_MS	60000
#define KNOWN_MAX	(1u << 20)

struct contact {
	const struct pin_host *p;
	char *temp;		/* what ssh writes the host key to */
	struct buf line;	/* "HOST TYPE BASE64", no line feed */
	struct buf print;	/* "SHA256:…" */
};

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

/* An ssh that ends as soon as it knows the host key: there is no way of
 * logging in that it may try. */
static int
contact_argv(const struct contact *c, struct strv *v, struct err *e)
{
	static char *const fixed[] = { "-T", "-x", "-a", "-oBatchMode=yes",
		"-oStrictHostKeyChecking=accept-new",
		"-oGlobalKnownHostsFile=/dev/null", "-oHashKnownHosts=no",
		"-oCheckHostIP=no", "-oVerifyHostKeyDNS=no",
		"-oUpdateHostKeys=no", "-oKnownHostsCommand=none",
		"-oNoHostAuthenticationForLocalhost=no",
		"-oControlMaster=no", "-oControlPath=none",
		"-oPreferredAuthentications=none",
		"-oPubkeyAuthentication=no", "-oPermitLocalCommand=no",
		"-oClearAllForwardings=yes", "-oRemoteCommand=none",
		"-oSessionType=default", "-oForkAfterAuthentication=no",
		NULL };
	const struct sshargv_opts *o = c->p->ssh;
	size_t i;
	int rc;

	if (host_check(c->p->dest, e) == -1)
		return -1;
	rc = strv_add(v, o->program != NULL ? o->program : "ssh");
	if (o->config != NULL)
		rc |= strv_add(v, "-F") | strv_add(v, o->config);
	rc |= strv_addv(v, fixed);
	rc |= strv_addf(v, "-oUserKnownHostsFile=\"%s\"", c->temp);
	for (i = 0; o->options != NULL && i < o->options->n; i++)
		rc |= strv_add(v, "-o") | strv_add(v, o->options->v[i]);
	rc |= strv_add(v, "-oConnectTimeout=30");
	rc |= host_words(c->p->dest, v);
	rc |= strv_add(v, "true");
	return rc == 0 ? 0 : no_mem(e);
}

/* Why ssh got no key, from what it said. */
static int
no_key(const struct contact *c, const char *said, struct err *e)
{
	enum sshfail worst = SSHFAIL_OTHER, f;
	const char *p = said, *nl;
	struct buf b;

	buf_init(&b, ERR_MSG_MAX / 2);
	for (; *p != '\0'; p = nl + (*nl == '\n')) {
		nl = strchrnul(p, '\n');
		f = sshargv_fail(p);
		if (f >= worst) {
			worst = f;
			buf_clear(&b);
			(void)esc_text(&b, p, (size_t)(nl - p));
		}
	}
	err_set(e, ERR_PEER, "%s: no host key: %s%s%s", c->p->dest,
	    sshargv_failname(worst), b.len > 0 ? ": " : "", b.data);
	buf_clear(&b);
	return -1;
}

/* The key that was used, into c->line. */
static int
fetch(struct contact *c, struct err *e)
{
	struct strv argv = { 0 };
	struct buf said;
	int status, rc = -1;

	buf_init(&said, CMD_OUT_MAX);
	if (contact_argv(c, &argv, e) == -1 ||
	    cmd_run(argv.v, CONTACT_MS, &said, &status, e) == -1)
		goto out;
	if (file_read(c->temp, &c->line, e) == -1)
		goto out;
	while (c->line.len > 0 && c->line.data[c->line.len - 1] == '\n')
		c->line.data[--c->line.len] = '\0';
	if (c->line.len == 0) {
		no_key(c, said.data, e);
		goto out;
	}
	if (strchr(c->line.data, '\n') != NULL) {
		err_set(e, ERR_PEER, "%s: ssh noted more than one host key",
		    c->p->dest);
		goto out;
	}
	rc = 0;
out:
	strv_clear(&argv);
	buf_clear(&said);
	return rc;
}

/* "256 SHA256:… host (ED25519)": the second word. */
static int
fingerprint(struct contact *c, struct err *e)
{
	char *argv[] = { "ssh-keygen", "-l", "-f", c->temp, NULL };
	const char *p, *end;
	struct buf said;
	int status, rc = -1;

	buf_init(&said, CMD_OUT_MAX);
	if (cmd_run(argv, CONTACT_MS, &said, &status, e) == -1)
		goto out;
	p = strstr(said.data, "SHA256:");
	if (status != 0 || p == NULL) {
		err_set(e, ERR_PEER, "%s: ssh-keygen could not read its host "
		    "key", c->p->dest);
		goto out;
	}
	end = p + strcspn(p, " \n");
	rc = buf_add(&c->print, p, (size_t)(end - p));
	if (rc == -1)
		no_mem(e);
out:
	buf_clear(&said);
	return rc;
}

/* 1: this very line is there, 0: nothing about this host, -1: another key of
 * it is, of whatever type: a stranger would choose one that is not known. */
static int
known(const struct contact *c, const char *text, struct err *e)
{
	size_t host = strcspn(c->line.data, " ") + 1, n;
	const char *p = text;
	bool other = false;

	for (; *p != '\0'; p += n + (p[n] == '\n')) {
		n = strcspn(p, "\n");
		if (n == c->line.len && memcmp(p, c->line.data, n) == 0)
			return 1;
		if (n > host && memcmp(p, c->line.data, host) == 0)
			other = true;
	}
	if (other)
		return err_set(e, ERR_UNSAFE, "%s: the host key is another "
		    "one than the one pinned in %s: %s. If the store's key "
		    "was changed on purpose, remove its line there",
		    c->p->dest, c->p->known_hosts, c->print.data);
	return 0;
}

/* What a person says at the terminal; true for "yes" in full. */
static int
ask(const struct contact *c, bool *ret, struct err *e)
{
	char answer[64] = "";
	FILE *tty = fopen("/dev/tty", "r+e");

	if (tty == NULL)
		return err_set(e, ERR_SYS, "%s: nobody to ask whether the host "
		    "key is %s (no terminal); compare it, then give "
		    "--fingerprint", c->p->dest, c->print.data);
	fprintf(tty, "Is that the store's key? It says so itself with\n"
	    "    ssh-keygen -lf /etc/ssh/ssh_host_%s_key.pub\n"
	    "Type yes to pin it: ",
	    strstr(c->line.data, " ssh-ed25519 ") != NULL ? "ed25519" :
	    strstr(c->line.data, " ssh-rsa ") != NULL ? "rsa" : "ecdsa");
	fflush(tty);
	*ret = fgets(answer, sizeof(answer), tty) != NULL &&
	    strcmp(answer, "yes\n") == 0;
	fclose(tty);
	return 0;
}

static int
decide(const struct contact *c, struct err *e)
{
	const struct pin_host *p = c->p;
	bool yes = false;

	if (p->fingerprint != NULL) {
		if (strcmp(p->fingerprint, c->print.data) == 0)
			return 0;
		return err_set(e, ERR_REFUSED, "%s: the host key is %s, not "
		    "%s", p->dest, c->print.data, p->fingerprint);
	}
	if (ask(c, &yes, e) == -1)
		return -1;
	return yes ? 0 : err_set(e, ERR_REFUSED, "%s: its host key was not "
	    "confirmed; nothing is pinned", p->dest);
}

static int
pin(const struct contact *c, struct err *e)
{
	const struct pin_host *p = c->p;
	struct buf text;
	int rc = -1;

	buf_init(&text, KNOWN_MAX);
	if (access(p->known_hosts, F_OK) == 0 &&
	    file_read(p->known_hosts, &text, e) == -1)
		goto out;
	rc = known(c, text.data, e);
	if (rc == 1 && (p->fingerprint == NULL ||
	    strcmp(p->fingerprint, c->print.data) == 0)) {
		log_info("%s: host key %s is pinned already", p->dest,
		    c->print.data);
		rc = 0;
		goto out;
	}
	if (rc == -1)
		goto out;
	log_info("%s: first contact; its host key is %s", p->dest,
	    c->print.data);
	if (p->dry_run) {
		rc = 0;
		goto out;
	}
	rc = decide(c, e);
	if (rc == -1)
		goto out;
	rc = text.len > 0 && text.data[text.len - 1] != '\n' ?
	    buf_addc(&text, '\n') : 0;
	rc |= buf_addf(&text, "%s\n", c->line.data);
	if (rc != 0)
		no_mem(e);
	else
		rc = file_write(p->known_hosts, text.data, text.len, 0644,
		    NULL, e);
	if (rc == 0)
		log_info("%s: pinned in %s", p->dest, p->known_hosts);
out:
	buf_clear(&text);
	return rc;
}

int
pin_host(const struct pin_host *p, struct err *e)
{
	struct contact c = { .p = p };
	char folder[] = "/tmp/postern-setup-XXXXXX";
	bool made = false;
	int rc = -1;

	buf_init(&c.line, 16384);
	buf_init(&c.print, 256);
	if (mkdtemp(folder) == NULL) {
		err_sys(e, "%s", folder);
		goto out;
	}
	made = true;
	if (asprintf(&c.temp, "%s/known_hosts", folder) == -1) {
		c.temp = NULL;
		no_mem(e);
		goto out;
	}
	/* ssh makes the file; without a key, it is not there. */
	close(open(c.temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	if (fetch(&c, e) == 0 && fingerprint(&c, e) == 0)
		rc = pin(&c, e);
out:
	if (c.temp != NULL)
		unlink(c.temp);
	if (made)
		rmdir(folder);
	free(c.temp);
	buf_clear(&c.line);
	buf_clear(&c.print);
	return rc;
}
