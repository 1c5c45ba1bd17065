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

#include "base/buf.h"
#include "base/strv.h"
#include "gitaudit.h"
#include "gitcheck.h"
#include "gitcmd.h"
#include "gitconf.h"
#include "gitkeydir.h"
#include "gitprog.h"
#include "gitwire.h"
#include "proc/child.h"
#include "sys/clock.h"
#include "ui/log.h"

#define SSH_LOST 255	/* ssh's own failure: nothing of ours ends so */

struct serve {
	struct gitconf conf;
	struct gitwire w;
	struct gitcmd cmd;
	struct buf canon;		/* the command, canonical */
	struct strv env;
	struct loop *loop;
	struct child *child;
	struct gitprog_watch out;
	int status;
};

static void
audit(const struct serve *s, enum gitaudit_event event, const char *why,
    uint64_t ms)
{
	struct gitaudit a = { .event = event, .sid = s->w.sid, .id = s->w.id,
		.ip = s->w.ip, .fp = s->w.fp, .verb = s->cmd.verb,
		.repo = s->cmd.repo, .why = why, .ms = ms,
		.exit = s->status };

	(void)gitaudit_write(&s->conf.server.side, &a, NULL);
}

static int
check_id(const struct serve *s, const char *home, struct err *e)
{
	const struct gitconf_server *c = &s->conf.server;
	const char *id = s->w.id;
	struct buf path;
	int has;

	/* Who is no user of gitolite's either. */
	if (strcmp(id, GITID_CHECK) == 0)
		return gitcheck_is(s->w.fp) ? 0 : err_set(e, ERR_REFUSED,
		    "gitolite has no user '" GITID_CHECK "'");
	if (gitid_denied(NULL, id) || (c->deny_ids.n > 0 &&
	    gitid_denied(&c->deny_ids, id)))
		return err_set(e, ERR_REFUSED, "'%s' may not come through a "
		    "gateway", id);
	buf_init(&path, 4096);
	if (c->keydir != NULL ? buf_adds(&path, c->keydir) == -1 :
	    buf_addf(&path, "%s/.gitolite/keydir", home) == -1) {
		buf_clear(&path);
		return err_set(e, ERR_MEM, "%s: too long", home);
	}
	has = gitkeydir_has(path.data, id, e);
	buf_clear(&path);
	if (has == 0)
		return err_set(e, ERR_REFUSED, "gitolite has no user '%s'",
		    id);
	return has == -1 ? -1 : 0;
}

/* Who asks, and for what. */
static int
check(struct serve *s, const char *home, struct err *e)
{
	const char *line = getenv("SSH_ORIGINAL_COMMAND");
	struct gitcmd_policy policy = gitconf_policy(&s->conf.server.side);
	bool checking;

	if (line == NULL)
		return err_set(e, ERR_PEER, "this key is for a gateway's "
		    "sessions: there is no command");
	if (gitwire_parse(line, strlen(line), &s->w, e) == -1)
		return -1;
	checking = strcmp(s->w.id, GITID_CHECK) == 0;
	if (checking)
		policy.commands = NULL;
	if (check_id(s, home, e) == -1 || gitcmd_parse(s->w.command,
	    s->w.command_len, &policy, &s->cmd, e) == -1)
		return -1;
	if (checking && strcmp(s->cmd.verb, "info") != 0)
		return err_set(e, ERR_REFUSED, "a check may do nothing but "
		    "'info'");
	if (gitcmd_emit(&s->cmd, &s->canon) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

static int
make_env(struct serve *s, const struct passwd *pw, struct err *e)
{
	const char *ip = strcmp(s->w.ip, "-") == 0 ? "UNKNOWN" : s->w.ip;
	struct strv *v = &s->env;
	int bad = 0;

	bad |= strv_add(v, "PATH=/usr/local/bin:/usr/bin:/bin");
	bad |= strv_add(v, "LANG=C.UTF-8");
	bad |= strv_addf(v, "HOME=%s", pw->pw_dir);
	bad |= strv_addf(v, "USER=%s", pw->pw_name);
	bad |= strv_addf(v, "LOGNAME=%s", pw->pw_name);
	/* gitolite wants its first word, for its log. */
	bad |= strv_addf(v, "SSH_CONNECTION=%s 0 0.0.0.0 0", ip);
	bad |= strv_addf(v, "SSH_ORIGINAL_COMMAND=%s", s->canon.data);
	if (s->w.gitproto[0] != '\0')
		bad |= strv_addf(v, "GIT_PROTOCOL=%s", s->w.gitproto);
	bad |= strv_addf(v, "POSTERN_SID=%s", s->w.sid);
	return bad != 0 ? err_set(e, ERR_MEM, "out of memory") : 0;
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct serve *s = arg;

	s->status = gitprog_status(end->status);
	if (s->status == SSH_LOST)
		s->status = 1;
	loop_stop(s->loop);
}

static void
on_signal(void *arg, int signo)
{
	struct serve *s = arg;

	child_kill(s->child, signo);
}

/* The session is over. A command that only reads has no more to do, and may
 * not know it; one that writes ends by itself, with its hooks, as it does
 * under sshd without us. */
static void
on_gone(void *arg)
{
	struct serve *s = arg;

	if (!s->cmd.write)
		child_deadline(s->child, 1);
}

static int
run(struct serve *s, struct err *e)
{
	char *argv[] = { s->conf.server.shell, s->w.id, NULL };
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
	s->child = child_start(s->loop, &spec, e);
	if (s->child == NULL || gitprog_watch(s->loop, on_gone, s, &s->out,
	    e) == -1)
		return -1;
	return loop_run(s->loop, e);
}

/* What came here, to a check that wants to know. */
static int
tell_check(const struct serve *s, struct err *e)
{
	const struct gitwire *w = &s->w;

	if (strcmp(w->id, GITID_CHECK) != 0)
		return 0;
	return dprintf(STDOUT_FILENO, GITCHECK_WORD " ip=%s fp=%s "
	    "gitproto=%s\n", w->ip, w->fp, w->gitproto) > 0 ? 0 :
	    err_sys(e, "standard output");
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
	if (check(s, pw->pw_dir, e) == -1) {
		audit(s, GITAUDIT_REFUSED, e->msg, 0);
		return -1;
	}
	if (make_env(s, pw, e) == -1 || tell_check(s, e) == -1)
		return -1;
	audit(s, GITAUDIT_BEGIN, NULL, 0);
	s->status = 1;
	if (run(s, e) == -1) {
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
	buf_init(&s.canon, GITWIRE_MAX);
	status = serve(&s, &e) == 0 ? s.status : 1;
	if (e.code == ERR_REFUSED || e.code == ERR_PEER) {
		log_error("refused: %s", e.msg);
	} else if (e.code != ERR_NONE) {
		syslog(LOG_ERR, "%s", e.msg);
		status = log_err(&e);
	}
	gitprog_unwatch(&s.out);
	child_free(s.child);
	loop_free(s.loop);
	strv_clear(&s.env);
	gitcmd_clear(&s.cmd);
	buf_clear(&s.canon);
	gitconf_clear(&s.conf);
	return status;
}
