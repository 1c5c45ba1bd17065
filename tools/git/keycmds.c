/* SPDX-License-Identifier: ISC */
#include "keycmds.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "adminnote.h"
#include "base/buf.h"
#include "gitadmins.h"
#include "gitjail.h"
#include "gitprog.h"
#include "keyask.h"
#include "keyroll.h"
#include "keyupdate.h"
#include "lintkeys.h"
#include "ui/log.h"

#define SESSIONS "sessions"	/* in the run folder */
#define PATH	4096

static int
join(const char *dir, const char *name, char ret[PATH], struct err *e)
{
	int n = snprintf(ret, PATH, "%s/%s", dir, name);

	return n > 0 && n < PATH ? 0 :
	    err_set(e, ERR_CONFIG, "%s: too long", dir);
}

/* Where sessions are noted. */
static int
sessions(const struct gitconf_gateway *c, char path[PATH], const char **ret,
    struct err *e)
{
	*ret = path;
	return join(c->run_dir, SESSIONS, path, e);
}

static int
update(const struct gitconf_gateway *c, struct err *e)
{
	struct keyupdate_conf u = {
		.keys = c->keys_dir,
		.proxy = c->proxy,
		.server = c->server_name,
		.allowed_signers = c->allowed_signers,
		.base = c->base,
		.min_keys = (size_t)c->min_keys,
		.max_drop_pct = (unsigned)c->max_drop,
		.revoke_end = c->revoke_end != 0,
		.generations = (size_t)c->generations,
		.read_ms = (unsigned)c->update_ms,
		.lock_ms = (unsigned)c->lock_ms,
	};
	struct buf proxy;
	char run[PATH];
	int status = -1;

	buf_init(&proxy, PATH);
	if (sessions(c, run, &u.sessions, e) == 0 &&
	    (c->proxy != NULL || gitprog_path("postern-git-proxy", &proxy,
	    e) == 0)) {
		if (c->proxy == NULL)
			u.proxy = proxy.data;
		status = keyupdate_main(&u);
	}
	buf_clear(&proxy);
	return status;
}

int
keycmds_update(const char *path)
{
	struct err e = ERR_INIT;
	struct gitconf c = { 0 };
	int status = -1;

	if (gitconf_load(&c, path, &e) == 0 &&
	    gitjail_enter(GITJAIL_UPDATE, &c, &e) == 0)
		status = update(&c.gateway, &e);
	if (status == -1)
		status = keyupdate_fail(&e);
	gitconf_clear(&c);
	return status;
}

/* gitolite's keydir, of the user that we are. */
static int
keydir(const struct gitconf_server *c, char path[PATH], const char **ret,
    struct err *e)
{
	const struct passwd *pw;

	*ret = c->keydir;
	if (c->keydir != NULL)
		return 0;
	pw = getpwuid(geteuid());
	if (pw == NULL)
		return err_set(e, ERR_SYS, "uid %lu has no name",
		    (unsigned long)geteuid());
	*ret = path;
	return join(pw->pw_dir, ".gitolite/keydir", path, e);
}

static int
push(const struct gitconf_server *c, struct pushkeys_conf *p,
    char path[PATH], struct err *e)
{
	if (c->gateway == NULL)
		return err_set(e, ERR_CONFIG, GITCONF_PATH ": [server] has no "
		    "gateway, to which keys could be pushed");
	if (keystore_become(c->state_dir, e) == -1)
		return -1;
	return keydir(c, path, &p->keydir, e);
}

/* How a push goes, by git.conf. */
static struct pushkeys_conf
settings(const struct gitconf_server *c)
{
	return (struct pushkeys_conf){
		.server = c->name,
		.state = c->state_dir,
		.send = keycmds_send(c),
		.timeout_ms = (unsigned)c->push_ms,
	};
}

struct keysend
keycmds_send(const struct gitconf_server *c)
{
	return (struct keysend){
		.gateway = c->gateway,
		.key = c->push_key,
		.known_hosts = c->push_known_hosts,
		.ssh_config = c->ssh_config,
		.connect_s = (unsigned)(c->push_ms + 999) / 1000,
	};
}

int
keycmds_try(const struct gitconf_server *c, const char *check,
    struct pushkeys_result *ret, struct err *e)
{
	struct pushkeys_conf p = settings(c);
	char path[PATH];
	int rc;

	p.check = check;
	*ret = (struct pushkeys_result){ 0 };
	if (push(c, &p, path, e) == -1)
		return -1;
	rc = pushkeys_run(&p, NULL, NULL, ret, e);
	if (rc == -1)
		syslog(LOG_ERR, "check: push-keys: %s", e->msg);
	return rc;
}

/* A mirror pushes nothing, and denies who administers gitolite all the same. */
static void
alone(const struct gitconf_server *c)
{
	struct err e = ERR_INIT;

	if (keystore_become(c->state_dir, &e) == 0) {
		adminnote_wait(adminnote_start(c, GITADMINS_MS, true));
		return;
	}
	log_warn("who may write to gitolite-admin is not known: %s", e.msg);
	syslog(LOG_ERR, "who may write to gitolite-admin is not known: %s",
	    e.msg);
}

int
keycmds_push(const struct gitconf_server *c, const struct keycmds_push *how)
{
	struct pushkeys_conf p = settings(c);
	struct err e = ERR_INIT;
	char path[PATH];
	pid_t asks = -1;
	int status;

	p.force = how->force;
	p.dry_run = how->dry_run;
	if (how->timeout_ms > 0)
		p.timeout_ms = (unsigned)how->timeout_ms;
	if (c->gateway == NULL && !how->dry_run)
		alone(c);
	if (c->gateway == NULL && how->voice == PUSHKEYS_TRIGGER)
		return 0;
	if (push(c, &p, path, &e) == -1) {
		log_error("the keys did not reach the gateway: %s", e.msg);
		syslog(LOG_ERR, "push-keys: %s", e.msg);
		return how->voice == PUSHKEYS_TRIGGER ? 0 : err_exit(e.code);
	}
	if (!how->dry_run)
		asks = adminnote_start(c, p.timeout_ms, how->voice ==
		    PUSHKEYS_TRIGGER || !how->quiet);
	status = pushkeys_main(&p, how->voice, how->quiet);
	adminnote_wait(asks);
	return status;
}

int
keycmds_trigger(const char *path)
{
	struct err e = ERR_INIT;
	struct gitconf c = { 0 };

	if (gitconf_load(&c, path, &e) == 0) {
		(void)keycmds_push(&c.server, &(struct keycmds_push){
		    .voice = PUSHKEYS_TRIGGER, .quiet = true });
	} else {
		log_error("the keys did not reach the gateway: %s", e.msg);
		syslog(LOG_ERR, "push-keys: %s", e.msg);
	}
	gitconf_clear(&c);
	return 0;
}

int
keycmds_rollback(const struct gitconf_gateway *c, uint64_t gen, bool dry_run,
    bool json)
{
	struct keyroll_conf r = {
		.keys = c->keys_dir,
		.base = c->base,
		.revoke_end = c->revoke_end != 0,
		.lock_ms = (unsigned)c->lock_ms,
		.dry_run = dry_run,
	};
	struct err e = ERR_INIT;
	char run[PATH];

	if (sessions(c, run, &r.sessions, &e) == -1)
		return log_err(&e);
	return keyroll_main(&r, gen, json);
}

int
keycmds_ask(const struct gitconf_gateway *c, const char *id, const char *fp,
    bool json)
{
	return keyask_main(c->keys_dir, c->base, id, fp, json);
}

int
keycmds_lint(const struct gitconf_server *c, const char *path, bool json)
{
	return lintkeys_main(path, c->deny_ids.n > 0 ? &c->deny_ids : NULL,
	    json);
}
