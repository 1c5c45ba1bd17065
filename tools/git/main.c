/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <syslog.h>

#include "base/num.h"
#include "check.h"
#include "gitconf.h"
#include "keycmds.h"
#include "mux.h"
#include "setup.h"
#include "ui/log.h"
#include "ui/opt.h"

enum { O_CONFIG = 1, O_QUIET, O_VERBOSE, O_DEMAND, O_JSON, O_FORCE,
	O_TIMEOUT, O_ID, O_KEY, O_PEER, O_HERE, O_HOST_KEY, O_DRY_RUN,
	O_LOOKUP };

enum { C_MUX = 1, C_PUSH_KEYS, C_ROLLBACK, C_LINT_KEYS, C_EXPLAIN,
	C_SETUP_GATEWAY, C_SETUP_SERVER, C_CHECK, C_STATUS };

struct opts {
	const char *config;
	bool quiet, verbose, demand, json, force;
	uint64_t timeout_ms;	/* 0: git.conf's */
	const char *id, *key;
	struct setup_opts setup;	/* its key is --key's */
	int answer;		/* OPT_HELP and the like, or 0 */
};

static const char *const mux_usage[] = {
	"postern git mux [--config FILE] [-q | -v]", NULL };
static const struct opt_row mux_rows[] = {
	{ 'c', "config", "FILE", "read FILE, not " GITCONF_PATH, O_CONFIG },
	{ 'q', "quiet", NULL, "errors only", O_QUIET },
	{ 'v', "verbose", NULL, "what each ssh says, too", O_VERBOSE },
	{ 0, "demand", NULL, NULL, O_DEMAND },
	{ 0 }
};
static const struct opt_cmd mux_cmd = { "postern git mux", mux_usage,
	"Gateway: keeps the connections to the git server, for sessions to "
	"share. Runs until it is ended.", mux_rows, NULL };

#define CONFIG_ROW \
	{ 'c', "config", "FILE", "read FILE, not " GITCONF_PATH, O_CONFIG }
#define JSON_ROW { 0, "json", NULL, "one object a line", O_JSON }

static const char *const push_usage[] = {
	"postern git push-keys [--force] [--timeout TIME] [--json] [-q]",
	NULL };
static const struct opt_row push_rows[] = {
	CONFIG_ROW,
	{ 0, "force", NULL, "also when more keys go than the gateway allows",
	    O_FORCE },
	{ 't', "timeout", "TIME", "for all of it, tries included", O_TIMEOUT },
	JSON_ROW,
	{ 'q', "quiet", NULL, "say only what went wrong", O_QUIET },
	{ 0 }
};
static const struct opt_cmd push_cmd = { "postern git push-keys", push_usage,
	"Git server: all keys of gitolite's keydir to the gateway.",
	push_rows, NULL };

static const char *const roll_usage[] = {
	"postern git rollback [--json] [GENERATION]", NULL };
static const struct opt_row json_rows[] = { CONFIG_ROW, JSON_ROW, { 0 } };
static const struct opt_cmd roll_cmd = { "postern git rollback", roll_usage,
	"Gateway: the generation of keys before that in force, or the one "
	"named, until the next push.", json_rows, NULL };

static const char *const lint_usage[] = {
	"postern git lint-keys [--json] FILE|FOLDER", NULL };
static const struct opt_cmd lint_cmd = { "postern git lint-keys", lint_usage,
	"What a push would make of the key files of a keydir, of one of them, "
	"or of the lines of an authorized_keys file. Changes nothing.",
	json_rows, NULL };

static const char *const explain_usage[] = {
	"postern git explain [--json] --key SHA256:...",
	"postern git explain [--json] --id ID", NULL };
static const struct opt_row explain_rows[] = {
	CONFIG_ROW,
	JSON_ROW,
	{ 0, "id", "ID", "the keys that ID has on this gateway", O_ID },
	{ 0, "key", "FINGERPRINT", "whose key this is on this gateway",
	    O_KEY },
	{ 0 }
};
static const struct opt_cmd explain_cmd = { "postern git explain",
	explain_usage, "Gateway: why somebody is let in, or is not. Changes "
	"nothing.", explain_rows, NULL };

#define SETUP_ROWS \
	{ 0, "here", "DESTINATION", "how the other side reaches this host", \
	    O_HERE }, \
	{ 0, "key", "KEY", "the other side's public key", O_KEY }, \
	{ 0, "host-key", "KEY", "the other side's host key, to be pinned", \
	    O_HOST_KEY }, \
	{ 'n', "dry-run", NULL, "say what would be done", O_DRY_RUN }, \
	{ 'q', "quiet", NULL, "only what is to be run on the other side", \
	    O_QUIET }, \
	{ 0 }

static const char *const gateway_usage[] = {
	"postern git setup-gateway --server USER@HOST [--here USER@HOST] "
	"[--key KEY] [--host-key KEY] [--lookup file|index] [-n]", NULL };
static const struct opt_row gateway_rows[] = {
	{ 's', "server", "DESTINATION", "how the git server is reached",
	    O_PEER },
	{ 0, "lookup", "file|index", "how sshd finds a key here", O_LOOKUP },
	SETUP_ROWS };
static const struct opt_cmd gateway_cmd = { "postern git setup-gateway",
	gateway_usage, "Gateway: all that it needs, once, by root; twice "
	"changes nothing. Prints what is to be run on the git server.",
	gateway_rows, NULL };

static const char *const server_usage[] = {
	"postern git setup-server --gateway USER@HOST [--here USER@HOST] "
	"[--key KEY] [--host-key KEY] [-n]", NULL };
static const struct opt_row server_rows[] = {
	{ 'g', "gateway", "DESTINATION", "how the gateway is reached",
	    O_PEER }, SETUP_ROWS };
static const struct opt_cmd server_cmd = { "postern git setup-server",
	server_usage, "Git server: all that it needs, once, by root; twice "
	"changes nothing. Prints what is to be run on the gateway.",
	server_rows, NULL };

static const char *const check_usage[] = {
	"postern git check [--json]", NULL };
static const struct opt_cmd check_cmd = { "postern git check", check_usage,
	"Either side, root: tries the whole way, says what is wrong and what "
	"cures it.", json_rows, NULL };
static const char *const status_usage[] = {
	"postern git status [--json]", NULL };
static const struct opt_cmd status_cmd = { "postern git status",
	status_usage, "Either side: the keys in force, the last push, the "
	"connections.", json_rows, NULL };

static const char *const usage[] = {
	"postern git COMMAND [OPTION ...] [OPERAND ...]", NULL };
static const struct opt_row no_rows[] = { { 0 } };
static const struct opt_sub subs[] = {
	{ "setup-gateway", "gateway: once, by root", &gateway_cmd,
	    C_SETUP_GATEWAY },
	{ "setup-server", "git server: once, by root", &server_cmd,
	    C_SETUP_SERVER },
	{ "check", "try the whole way, say what is wrong", &check_cmd,
	    C_CHECK },
	{ "status", "keys in force, last push, connections", &status_cmd,
	    C_STATUS },
	{ "mux", "gateway: keep connections to the git server", &mux_cmd,
	    C_MUX },
	{ "push-keys", "git server: all keys to the gateway", &push_cmd,
	    C_PUSH_KEYS },
	{ "rollback", "gateway: an older generation of keys", &roll_cmd,
	    C_ROLLBACK },
	{ "lint-keys", "what a push would make of key files", &lint_cmd,
	    C_LINT_KEYS },
	{ "explain", "gateway: whose key one is", &explain_cmd, C_EXPLAIN },
	{ 0 }
};
static const struct opt_cmd top = { "postern git", usage,
	"One git command as one gitolite user, through a gateway host.",
	no_rows, subs };

static int
set(void *arg, int id, const char *value, struct err *e)
{
	struct opts *o = arg;

	switch (id) {
	case O_CONFIG:
		o->config = value;
		break;
	case O_QUIET:
		o->quiet = true;
		break;
	case O_VERBOSE:
		o->verbose = true;
		break;
	case O_DEMAND:
		o->demand = true;
		break;
	case O_JSON:
		o->json = true;
		break;
	case O_FORCE:
		o->force = true;
		break;
	case O_TIMEOUT:
		return num_duration_ms(value, "--timeout", &o->timeout_ms, e);
	case O_ID:
		o->id = value;
		break;
	case O_KEY:
		o->key = o->setup.key = value;
		break;
	case O_PEER:
		o->setup.peer = value;
		break;
	case O_HERE:
		o->setup.here = value;
		break;
	case O_HOST_KEY:
		o->setup.host_key = value;
		break;
	case O_LOOKUP:
		o->setup.lookup = value;
		break;
	case O_DRY_RUN:
		o->setup.dry_run = true;
		break;
	default:
		o->answer = id;
		break;
	}
	return 0;
}

static int
mux(const struct opts *o, struct err *e)
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
rollback(const struct opts *o, const struct gitconf *c, const char *operand,
    struct err *e)
{
	uint64_t gen = 0;

	if (operand != NULL && num_u64(operand, "GENERATION", 1, INT64_MAX,
	    &gen, e) == -1)
		return -1;
	return keycmds_rollback(&c->gateway, gen, o->json);
}

static int
explain(const struct opts *o, const struct gitconf *c, struct err *e)
{
	if ((o->id == NULL) == (o->key == NULL))
		return err_set(e, ERR_USAGE, "either --id or --key is "
		    "wanted");
	return keycmds_ask(&c->gateway, o->id, o->key, o->json);
}

/* A command with settings. operand may be NULL. The exit status, or -1. */
static int
keys(int id, const struct opts *o, const char *operand, struct err *e)
{
	struct gitconf c = { 0 };
	int status = -1;

	if (gitconf_load(&c, o->config, e) == -1) {
		gitconf_clear(&c);
		return -1;
	}
	switch (id) {
	case C_PUSH_KEYS:
		status = keycmds_push(&c.server, o->json ? PUSHKEYS_JSON :
		    PUSHKEYS_TEXT, o->quiet, o->force, o->timeout_ms);
		break;
	case C_ROLLBACK:
		status = rollback(o, &c, operand, e);
		break;
	case C_LINT_KEYS:
		status = operand == NULL ? err_set(e, ERR_USAGE, "which file "
		    "or folder?") : keycmds_lint(&c.server, operand, o->json);
		break;
	case C_CHECK:
		status = check_run(&c, o->json, e);
		break;
	case C_STATUS:
		status = status_run(&c, o->json, e);
		break;
	case C_EXPLAIN:
		status = explain(o, &c, e);
		break;
	}
	gitconf_clear(&c);
	return status;
}

static int
set_up(const struct opts *o, bool gateway, struct err *e)
{
	if (o->setup.peer == NULL)
		return err_set(e, ERR_USAGE, gateway ? "--server: which one?" :
		    "--gateway: which one?");
	return gateway ? setup_gateway(&o->setup, e) :
	    setup_server(&o->setup, e);
}

/* What the tables say, or the command itself. The exit status, or -1. */
static int
go(int argc, char **argv, struct opts *o, struct err *e)
{
	int first, dashes, most;
	const struct opt_sub *sub;

	if (opt_parse(&top, argc, argv, 1, set, o, &first, &dashes, e) == -1)
		return -1;
	if (o->answer == 0 && first == argc)
		o->answer = OPT_HELP;
	if (o->answer != 0)
		return opt_answer(&top, o->answer, POSTERN_VERSION, stdout) ==
		    1 ? 0 : 1;
	sub = opt_sub(&top, argv[first], e);
	if (sub == NULL)
		return -1;
	argc -= first;
	argv += first;
	if (opt_parse(sub->cmd, argc, argv, 0, set, o, &first, &dashes,
	    e) == -1)
		return -1;
	if (o->answer != 0)
		return opt_answer(sub->cmd, o->answer, POSTERN_VERSION,
		    stdout) == 1 ? 0 : 1;
	most = sub->id == C_ROLLBACK || sub->id == C_LINT_KEYS ? 1 : 0;
	if (argc - first > most)
		return err_set(e, ERR_USAGE, "'%s': %s", argv[first + most],
		    most == 0 ? "no operand is wanted" : "one is enough");
	log_open("postern-git", o->verbose ? LOG_LVL_DEBUG : o->quiet ?
	    LOG_LVL_ERROR : LOG_LVL_INFO);
	if (sub->id == C_SETUP_GATEWAY || sub->id == C_SETUP_SERVER)
		return set_up(o, sub->id == C_SETUP_GATEWAY, e);
	return sub->id == C_MUX ? mux(o, e) :
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
	struct opts o = { .config = GITCONF_PATH };
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
