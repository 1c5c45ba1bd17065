/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <syslog.h>

#include "base/num.h"
#include "audit.h"
#include "check.h"
#include "explain.h"
#include "gitconf.h"
#include "gitopts.h"
#include "keycmds.h"
#include "mux.h"
#include "ui/log.h"

static int
mux(const struct gitopts *o, struct err *e)
{
	struct gitconf c = { 0 };
	int rc = gitconf_load(&c, o->config, e);

	if (rc == 0)
		rc = mux_run(&(struct mux_opts){ .conf = &c.gateway,
		    .demand = o->demand }, e);
	gitconf_clear(&c);
	return rc;
}

static int
rollback(const struct gitopts *o, const struct gitconf *c,
    const char *operand, struct err *e)
{
	uint64_t gen = 0;

	if (operand != NULL && num_u64(operand, "GENERATION", 1, INT64_MAX,
	    &gen, e) == -1)
		return -1;
	return keycmds_rollback(&c->gateway, gen, o->setup.dry_run, o->json);
}

static int
explain(const struct gitopts *o, const struct gitconf *c,
    const char *operand, struct err *e)
{
	struct explain_opts x = { .side = o->side, .id = o->id,
		.command = operand, .json = o->json };

	if ((o->id == NULL) == (o->key == NULL))
		return err_set(e, ERR_USAGE, "either --id or --key is "
		    "wanted");
	if (operand == NULL && o->side != NULL)
		return err_set(e, ERR_USAGE, "--side: which command?");
	if (operand != NULL && o->id == NULL)
		return err_set(e, ERR_USAGE, "a command needs --id");
	if (operand != NULL)
		return explain_run(c, &x, e);
	return keycmds_ask(&c->gateway, o->id, o->key, o->json);
}

static int
audit(const struct gitopts *o, const struct gitconf *c, struct err *e)
{
	return audit_run(c, &(struct audit_opts){ .since = o->since,
	    .id = o->id, .repo = o->repo, .verb = o->verb,
	    .failed = o->failed, .json = o->json }, e);
}

/* A command with settings. operand may be NULL. The exit status, or -1. */
static int
keys(int id, const struct gitopts *o, const char *operand, struct err *e)
{
	const struct check_opts check = { .json = o->json,
		.timeout_ms = o->timeout_ms };
	struct gitconf c = { 0 };
	int status = -1;

	if (gitconf_load(&c, o->config, e) == -1) {
		gitconf_clear(&c);
		return -1;
	}
	if (o->timeout_ms > 0)
		c.server.push_ms = (int64_t)o->timeout_ms;
	switch (id) {
	case GITOPTS_PUSH_KEYS:
		status = keycmds_push(&c.server, &(struct keycmds_push){
		    .voice = o->json ? PUSHKEYS_JSON : PUSHKEYS_TEXT,
		    .quiet = o->quiet, .force = o->force,
		    .dry_run = o->setup.dry_run,
		    .timeout_ms = o->timeout_ms });
		break;
	case GITOPTS_ROLLBACK:
		status = rollback(o, &c, operand, e);
		break;
	case GITOPTS_LINT_KEYS:
		status = operand == NULL ? err_set(e, ERR_USAGE, "which file "
		    "or folder?") : keycmds_lint(&c.server, operand, o->json);
		break;
	case GITOPTS_CHECK:
		status = check_run(&c, &check, e);
		break;
	case GITOPTS_STATUS:
		status = status_run(&c, &check, e);
		break;
	case GITOPTS_AUDIT:
		status = audit(o, &c, e);
		break;
	case GITOPTS_EXPLAIN:
		status = explain(o, &c, operand, e);
		break;
	}
	gitconf_clear(&c);
	return status;
}

static int
set_up(const struct gitopts *o, bool gateway, struct err *e)
{
	struct setup_opts s = o->setup;

	if (s.mirror != NULL && (s.peer != NULL || s.key != NULL ||
	    s.lookup != NULL))
		return err_set(e, ERR_USAGE, "--mirror: without --server, "
		    "--key and --lookup");
	if (s.is_mirror && s.host_key != NULL)
		return err_set(e, ERR_USAGE, "--mirror: without --host-key");
	if (s.peer == NULL && s.mirror == NULL)
		return err_set(e, ERR_USAGE, gateway ? "--server: which one?" :
		    "--gateway: which one?");
	s.timeout_ms = o->timeout_ms;
	return gateway ? setup_gateway(&s, e) : setup_server(&s, e);
}

static bool
takes_operand(int id)
{
	return id == GITOPTS_ROLLBACK || id == GITOPTS_LINT_KEYS ||
	    id == GITOPTS_EXPLAIN;
}

/* What the tables say, or the command itself. The exit status, or -1. */
static int
go(int argc, char **argv, struct gitopts *o, struct err *e)
{
	int first, dashes, most;
	const struct opt_sub *sub;

	if (opt_parse(&gitopts_top, argc, argv, 1, gitopts_set, o, &first,
	    &dashes, e) == -1)
		return -1;
	if (o->answer == 0 && first == argc)
		o->answer = OPT_HELP;
	if (o->answer != 0)
		return opt_answer(&gitopts_top, o->answer, POSTERN_VERSION,
		    stdout) == 1 ? 0 : 1;
	sub = opt_sub(&gitopts_top, argv[first], e);
	if (sub == NULL)
		return -1;
	argc -= first;
	argv += first;
	if (opt_parse(sub->cmd, argc, argv, 0, gitopts_set, o, &first, &dashes,
	    e) == -1)
		return -1;
	if (o->answer != 0)
		return opt_answer(sub->cmd, o->answer, POSTERN_VERSION,
		    stdout) == 1 ? 0 : 1;
	most = takes_operand(sub->id) ? 1 : 0;
	if (argc - first > most)
		return err_set(e, ERR_USAGE, "'%s': %s", argv[first + most],
		    most == 0 ? "no operand is wanted" : "one is enough");
	log_open("postern-git", o->verbose ? LOG_LVL_DEBUG : o->quiet ?
	    LOG_LVL_ERROR : LOG_LVL_INFO);
	if (sub->id == GITOPTS_SETUP_GATEWAY || sub->id == GITOPTS_SETUP_SERVER)
		return set_up(o, sub->id == GITOPTS_SETUP_GATEWAY, e);
	return sub->id == GITOPTS_MUX ? mux(o, e) :
	    keys(sub->id, o, first < argc ? argv[first] : NULL, e);
}

/* Called by this name: gitolite's trigger, with words of gitolite's that say
 * nothing to us. */
static bool
is_trigger(const char *name)
{
	const char *slash = strrchr(name, '/');

	return strcmp(slash != NULL ? slash + 1 : name, "push-authkeys") == 0;
}

int
main(int argc, char **argv)
{
	struct gitopts o = { .config = GITCONF_PATH };
	struct err e = ERR_INIT;
	int status;

	openlog("postern-git", LOG_PID, LOG_AUTHPRIV);
	log_escaped();
	log_open("postern-git", LOG_LVL_INFO);
	if (argc > 0 && is_trigger(argv[0]))
		return keycmds_trigger(GITCONF_PATH);
	status = go(argc, argv, &o, &e);
	if (status != -1)
		return status;
	/* Two that were started at once: one is enough. */
	if (o.demand && e.code == ERR_BUSY)
		return 0;
	if (o.demand)
		syslog(LOG_ERR, "mux: %s", e.msg);
	return log_err(&e);
}
