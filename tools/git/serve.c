/* SPDX-License-Identifier: ISC */
/*
 * postern-git-serve: the forced command of the gateway's key on the host with
 * gitolite. Takes the wire line (gitwire.h) and nothing else, believes none of
 * it that it can judge itself, and runs gitolite-shell for the id with an
 * environment made anew. What the gateway says of the client's address and
 * key is for the logs only: nothing is allowed because of it.
 */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/strv.h"
#include "gitask.h"
#include "gitaudit.h"
#include "gitconf.h"
#include "gitcount.h"
#include "gitjail.h"
#include "gitprog.h"
#include "jail/sandbox.h"
#include "proc/child.h"
#include "serve_probe.h"
#include "sys/clock.h"
#include "ui/log.h"

#define SSH_LOST 255	/* ssh's own failure: nothing of ours ends so */

struct serve {
	struct gitconf conf;
	struct gitask ask;
	struct strv env;
	struct loop *loop;
	struct child *child;
	struct sandbox *jail;
	struct gitprog_watch out;
	struct gitcount *count;		/* NULL: nothing is counted */
	int status;
	bool over;			/* the child; its last words go out */
};

static void
audit(const struct serve *s, enum gitaudit_event event, const char *why,
    uint64_t ms)
{
	const struct gitwire *w = &s->ask.w;
	struct gitaudit a = { .event = event, .sid = w->sid, .id = w->id,
		.ip = w->ip, .fp = w->fp, .verb = s->ask.cmd.verb,
		.repo = s->ask.cmd.repo, .why = why, .ms = ms,
		.exit = s->status, .counted = s->count != NULL };

	gitcount_bytes(s->count, &a.in, &a.out);
	(void)gitaudit_write(&s->conf.server.side, &a, NULL);
}

static void
on_done(void *arg, bool late)
{
	struct serve *s = arg;

	loop_stop(s->loop);
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct serve *s = arg;

	s->status = gitprog_status(end->status);
	if (s->status == SSH_LOST)
		s->status = 1;
	s->over = true;
	gitcount_finish(s->count, 0, on_done, s);
}

static void
on_signal(void *arg, int signo)
{
	struct serve *s = arg;

	if (s->over)
		loop_stop(s->loop);
	else
		child_kill(s->child, signo);
}

/* The session is over. A command that only reads has no more to do, and may
 * not know it; one that writes ends by itself, with its hooks, as it does
 * under sshd without us. */
static void
on_gone(void *arg)
{
	struct serve *s = arg;

	if (s->over)
		loop_stop(s->loop);
	else if (!s->ask.cmd.write)
		child_deadline(s->child, 1);
}

static int
run(struct serve *s, struct err *e)
{
	char *argv[] = { s->conf.server.shell, s->ask.w.id, NULL };
	struct child_spec spec = { .argv = argv, .envp = s->env.v,
		.io = { CHILD_INHERIT, CHILD_INHERIT, CHILD_INHERIT },
		.own_group = true, .on_end = on_end, .arg = s };
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	size_t i;

	s->loop = loop_new(e);
	if (s->loop == NULL)
		return -1;
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (loop_signal(s->loop, signals[i], on_signal, s, e) == -1)
			return -1;
	if (s->conf.server.side.audit_bytes != 0 &&
	    gitcount_new(s->loop, &s->count, e) == -1)
		return -1;
	gitcount_io(s->count, &spec);
	/* What can fail about it, before anything runs that would be ended. */
	if (gitjail_open(GITJAIL_SERVE, &s->conf, &s->jail, e) == -1)
		return -1;
	s->child = child_start(s->loop, &spec, e);
	if (s->child == NULL || gitprog_watch(s->loop, on_gone, s, &s->out,
	    e) == -1 || gitjail_apply(GITJAIL_SERVE, s->jail, e) == -1)
		return -1;
	return loop_run(s->loop, e);
}

/* A session of somebody's, or of nobody's. */
static int
either(struct serve *s, const char *home, struct err *e)
{
	int rc;

	if (s->ask.probe == GITPROBE_NONE)
		return run(s, e);
	rc = serve_probe(&s->conf.server, home, &s->ask, &s->env, e);
	s->status = rc == 0 ? 0 : 1;
	return rc;
}

static int
serve(struct serve *s, struct err *e)
{
	const struct passwd *pw = getpwuid(getuid());
	uint64_t begin = clock_ms();

	if (gitconf_load(&s->conf, GITCONF_PATH, e) == -1)
		return -1;
	if (pw == NULL)
		return err_set(e, ERR_SYS, "uid %u is no user here",
		    (unsigned)getuid());
	if (gitask_server(&s->conf.server, pw->pw_dir,
	    getenv("SSH_ORIGINAL_COMMAND"), &s->ask, e) == -1) {
		audit(s, GITAUDIT_REFUSED, e->msg, 0);
		return -1;
	}
	if (gitask_env(&s->ask, pw, &s->env, e) == -1)
		return -1;
	audit(s, GITAUDIT_BEGIN, NULL, 0);
	s->status = 1;
	if (either(s, pw->pw_dir, e) == -1) {
		s->status = err_exit(e->code);
		audit(s, GITAUDIT_END, e->msg, clock_ms() - begin);
		return -1;
	}
	audit(s, GITAUDIT_END, NULL, clock_ms() - begin);
	return 0;
}

int
main(void)
{
	struct serve s = { .status = 1 };
	struct err e = ERR_INIT;
	int status;

	gitprog_harden();
	openlog("postern-git", LOG_PID, LOG_AUTHPRIV);
	log_escaped();
	log_open("git server", LOG_LVL_INFO);
	gitask_init(&s.ask);
	status = serve(&s, &e) == 0 ? s.status : 1;
	if (e.code == ERR_REFUSED || (e.code == ERR_PEER &&
	    s.ask.probe == GITPROBE_NONE)) {
		log_error("refused: %s", e.msg);
	} else if (e.code != ERR_NONE) {
		syslog(LOG_ERR, "%s", e.msg);
		status = log_err(&e);
	}
	gitprog_unwatch(&s.out);
	gitcount_free(s.count);
	child_free(s.child);
	sandbox_free(s.jail);
	loop_free(s.loop);
	strv_clear(&s.env);
	gitask_clear(&s.ask);
	gitconf_clear(&s.conf);
	return status;
}
