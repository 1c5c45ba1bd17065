/* SPDX-License-Identifier: ISC */
/*
 * postern-git-proxy KEY-ID: the forced command of each key on the gateway,
 * also called gitolite-proxy. Whose key it was says argv, which comes from
 * authorized_keys; all else comes from the client and is judged here: the
 * command, GIT_PROTOCOL. How often and how much is limited; what comes of it
 * is written down.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "gitaudit.h"
#include "gitauth.h"
#include "gitcheck.h"
#include "gitjail.h"
#include "gitprog.h"
#include "gitrun.h"
#include "gitslot.h"
#include "keyask.h"
#include "keycmds.h"
#include "keystale.h"
#include "proxy.h"
#include "sessions.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "ui/log.h"

#define AUTH_MAX 65536		/* bytes of sshd's SSH_USER_AUTH */

static void
audit(const struct proxy *p, enum gitaudit_event event, const char *why,
    uint64_t ms)
{
	const struct gitwire *w = &p->ask.w;
	struct gitaudit a = { .event = event, .sid = w->sid, .id = w->id,
		.ip = w->ip, .fp = w->fp, .verb = p->ask.cmd.verb,
		.repo = p->ask.cmd.repo, .why = why, .via = p->via, .ms = ms,
		.exit = p->status, .counted = p->in >= 0, .in = p->in,
		.out = p->out };

	(void)gitaudit_write(&p->conf.gateway.side, &a, NULL);
}

/* What sshd says of the key (ExposeAuthInfo), or -1; it lies where we can't
 * look later on. */
static int
open_auth(void)
{
	const char *path = getenv("SSH_USER_AUTH");

	return path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK);
}

/* The key's fingerprint, of that, which is closed. */
static void
find_fp(struct proxy *p, int fd)
{
	char chunk[4096];
	struct buf text;
	ssize_t n = 0;

	buf_init(&text, AUTH_MAX);
	while (fd != -1 && (n = read(fd, chunk, sizeof(chunk))) > 0 &&
	    buf_add(&text, chunk, (size_t)n) == 0)
		continue;
	/* All of it, or it says nothing. */
	if (fd != -1 && n == 0)
		p->cert = gitauth_fp(text.data, text.len, p->ask.w.fp);
	buf_clear(&text);
	if (fd != -1)
		close(fd);
}

/* Whose session it is, for the log, before anything is judged; confined before
 * a byte is read that a client chose. */
static int
find_who(struct proxy *p, struct err *e)
{
	int auth = open_auth(), rc;

	gitwire_client(&p->ask.w, getenv("SSH_CONNECTION"));
	memcpy(p->ask.w.fp, "-", 2);
	rc = gitprog_sid(p->ask.w.sid, e);
	if (rc == 0)
		rc = gitjail_enter(GITJAIL_SESSION, &p->conf, e);
	if (rc == 0)
		find_fp(p, auth);
	else if (auth != -1)
		close(auth);
	return rc;
}

/* So that a revocation finds us. By a certificate, any key that is left of the
 * id's keeps us. */
static int
enter(struct proxy *p, struct err *e)
{
	const struct gitwire *w = &p->ask.w;
	const char *fp = p->cert ? "-" : w->fp;

	if (buf_addf(&p->sessions, "%s/sessions",
	    p->conf.gateway.run_dir) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (sessions_enter(p->sessions.data, w->id, fp, w->sid, e) == -1)
		return -1;
	/* Of no push, but of root's: as long as its check goes on. */
	if (strcmp(w->id, GITID_CHECK) == 0 && gitcheck_is(fp))
		return 0;
	/* sshd looks at the keys once for a connection, which may stand for
	 * days and ask for one session after the other. */
	return keyask_still(p->conf.gateway.keys_dir, p->conf.gateway.base,
	    w->id, fp, e);
}

/* One's own limit first: who is over it takes nobody else's place. */
static int
take_place(struct proxy *p, struct err *e)
{
	const struct gitconf_gateway *c = &p->conf.gateway;
	int slots = -1, rc = -1;

	if (gitrun_open(c->run_dir, "slots", &slots, e) == 0 &&
	    gitslot_take(slots, p->ask.w.id, c->sessions_per_id,
	    c->rate_per_id, &p->slot, e) == 0 &&
	    gitslot_take(slots, GITSLOT_ALL, c->sessions, c->rate,
	    &p->slot_all, e) == 0 &&
	    enter(p, e) == 0)
		rc = 0;
	if (slots != -1)
		close(slots);
	return rc;
}

static int
settle(struct proxy *p, const char *id, struct err *e)
{
	if (gitconf_load(&p->conf, GITCONF_PATH, e) == -1)
		return -1;
	if (p->conf.gateway.server == NULL)
		return err_set(e, ERR_CONFIG, GITCONF_PATH ": [gateway] has "
		    "no server");
	if (find_who(p, e) == 0 && gitask_gateway(&p->conf.gateway, id,
	    getenv("SSH_ORIGINAL_COMMAND"), getenv("GIT_PROTOCOL"), &p->ask,
	    e) == 0 && take_place(p, e) == 0)
		return 0;
	audit(p, GITAUDIT_REFUSED, e->msg, 0);
	return -1;
}

static int
session(struct proxy *p, const char *id, struct err *e)
{
	uint64_t begin = clock_ms();
	int rc;

	if (settle(p, id, e) == -1)
		return -1;
	audit(p, GITAUDIT_BEGIN, NULL, 0);
	keystale_tell(&p->conf.gateway);
	if (p->conf.gateway.exec != 0) {
		rc = proxy_exec(p, e);
	} else {
		proxy_pool(&p->conf.gateway);
		rc = proxy_run(p, e);
	}
	if (rc == -1)
		p->status = err_exit(e->code);
	audit(p, GITAUDIT_END, rc == -1 ? e->msg : NULL, clock_ms() - begin);
	return rc;
}

/* What the person reads; all of it has been escaped where it came from. */
static int
tell(const struct err *e)
{
	if (e->code == ERR_REFUSED || e->code == ERR_BUSY)
		log_error("refused: %s", e->msg);
	else
		log_error("%s", e->msg);
	if (e->code == ERR_SYS || e->code == ERR_CONFIG ||
	    e->code == ERR_UNSAFE)
		syslog(LOG_ERR, "%s", e->msg);
	return err_exit(e->code);
}

static void
clear(struct proxy *p)
{
	if (p->sessions.len > 0)
		sessions_leave(p->sessions.data);
	if (p->slot != -1)
		close(p->slot);
	if (p->slot_all != -1)
		close(p->slot_all);
	gitask_clear(&p->ask);
	buf_clear(&p->sessions);
	gitconf_clear(&p->conf);
}

int
main(int argc, char **argv)
{
	struct proxy p = { .slot = -1, .slot_all = -1, .status = 1,
		.in = -1, .out = -1 };
	struct err e = ERR_INIT;
	int status;

	gitprog_harden();
	openlog("postern-git", LOG_PID, LOG_AUTHPRIV);
	log_escaped();
	log_open("git gateway", LOG_LVL_INFO);
	/* Not of the ids' namespace: none begins with '-'. It is what the
	 * push key's line in root's own file has. */
	if (argc == 2 && strcmp(argv[1], "--auth-update") == 0)
		return keycmds_update(GITCONF_PATH);
	if (argc != 2) {
		log_error("usage: postern-git-proxy KEY-ID, as the forced "
		    "command of a key");
		return err_exit(ERR_USAGE);
	}
	gitask_init(&p.ask);
	buf_init(&p.sessions, 4096);
	status = session(&p, argv[1], &e) == 0 ? p.status : tell(&e);
	clear(&p);
	return status;
}
