/* SPDX-License-Identifier: ISC */
#include "gitopts.h"

#include "base/num.h"
#include "gitconf.h"

#define TIMEOUT_MAX_MS ((uint64_t)24 * 3600 * 1000)

enum { O_CONFIG = 1, O_QUIET, O_VERBOSE, O_DEMAND, O_JSON, O_FORCE,
	O_TIMEOUT, O_ID, O_KEY, O_PEER, O_HERE, O_HOST_KEY, O_DRY_RUN,
	O_SIDE, O_LOOKUP, O_SINCE, O_REPO, O_VERB, O_FAILED, O_MIRROR,
	O_IS_MIRROR };

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
#define DRY_ROW \
	{ 'n', "dry-run", NULL, "say what would be done", O_DRY_RUN }
#define TIMEOUT_ROW(what) { 't', "timeout", "TIME", what, O_TIMEOUT }

static const char *const push_usage[] = {
	"postern git push-keys [--force] [--timeout TIME] [-n] [--json] [-q]",
	NULL };
static const struct opt_row push_rows[] = {
	CONFIG_ROW,
	{ 0, "force", NULL, "also when more keys go than the gateway allows",
	    O_FORCE },
	TIMEOUT_ROW("for all of it, tries included"),
	DRY_ROW,
	JSON_ROW,
	{ 'q', "quiet", NULL, "say only what went wrong", O_QUIET },
	{ 0 }
};
static const struct opt_cmd push_cmd = { "postern git push-keys", push_usage,
	"Git server: all keys of gitolite's keydir to the gateway.",
	push_rows, NULL };

static const char *const roll_usage[] = {
	"postern git rollback [-n] [--json] [GENERATION]", NULL };
static const struct opt_row json_rows[] = { CONFIG_ROW, JSON_ROW, { 0 } };
static const struct opt_row roll_rows[] = { CONFIG_ROW, DRY_ROW, JSON_ROW,
	{ 0 } };
static const struct opt_cmd roll_cmd = { "postern git rollback", roll_usage,
	"Gateway: the generation of keys before that in force, or the one "
	"named, until the next push.", roll_rows, NULL };

static const char *const lint_usage[] = {
	"postern git lint-keys [--json] FILE|FOLDER", NULL };
static const struct opt_cmd lint_cmd = { "postern git lint-keys", lint_usage,
	"What a push would make of the key files of a keydir, of one of them, "
	"or of the lines of an authorized_keys file. Changes nothing.",
	json_rows, NULL };

static const char *const explain_usage[] = {
	"postern git explain [--side gateway|server] [--json] --id ID COMMAND",
	"postern git explain [--json] --id ID",
	"postern git explain [--json] --key SHA256:...", NULL };
static const struct opt_row explain_rows[] = {
	CONFIG_ROW,
	{ 0, "side", "SIDE", "judge as the gateway or as the server; "
	    "otherwise as the one that this host is", O_SIDE },
	JSON_ROW,
	{ 0, "id", "ID", "who would ask for COMMAND; without one, the keys "
	    "that ID has on this gateway", O_ID },
	{ 0, "key", "FINGERPRINT", "whose key this is on this gateway",
	    O_KEY },
	{ 0 }
};
static const struct opt_cmd explain_cmd = { "postern git explain",
	explain_usage, "Whether ID may do COMMAND (one word: quote it), and "
	"what would run then; or why somebody is let in at the gateway, or is "
	"not. Changes nothing.", explain_rows, NULL };

#define SETUP_ROWS \
	{ 0, "here", "DESTINATION", "how the other side reaches this host", \
	    O_HERE }, \
	{ 0, "key", "KEY", "the other side's public key", O_KEY }, \
	{ 0, "host-key", "KEY", "the other side's host key, to be pinned", \
	    O_HOST_KEY }, \
	DRY_ROW, \
	TIMEOUT_ROW("for a login, and a program that is asked"), \
	{ 'q', "quiet", NULL, "only what is to be run on the other side", \
	    O_QUIET }, \
	{ 0 }

static const char *const gateway_usage[] = {
	"postern git setup-gateway --server USER@HOST [--here USER@HOST] "
	"[--key KEY] [--host-key KEY] [--lookup file|index] [-n] [-t TIME]",
	"postern git setup-gateway --mirror USER@HOST [--here USER@HOST] "
	"[--host-key KEY] [-n] [-t TIME]", NULL };
static const struct opt_row gateway_rows[] = {
	{ 's', "server", "DESTINATION", "how the git server is reached",
	    O_PEER },
	{ 0, "mirror", "DESTINATION", "instead: one more host for reads, and "
	    "how it is reached", O_MIRROR },
	{ 0, "lookup", "file|index", "how sshd finds a key here", O_LOOKUP },
	SETUP_ROWS };
static const struct opt_cmd gateway_cmd = { "postern git setup-gateway",
	gateway_usage, "Gateway: all that it needs, once, by root; twice "
	"changes nothing. Prints what is to be run on the git server.",
	gateway_rows, NULL };

static const char *const server_usage[] = {
	"postern git setup-server --gateway USER@HOST [--here USER@HOST] "
	"[--key KEY] [--host-key KEY] [-n] [-t TIME]",
	"postern git setup-server --mirror --gateway USER@HOST "
	"[--here USER@HOST] [--key KEY] [-n] [-t TIME]", NULL };
static const struct opt_row server_rows[] = {
	{ 'g', "gateway", "DESTINATION", "how the gateway is reached",
	    O_PEER },
	{ 0, "mirror", NULL, "this one serves reads when the git server does "
	    "not answer, and brings no keys", O_IS_MIRROR },
	SETUP_ROWS };
static const struct opt_cmd server_cmd = { "postern git setup-server",
	server_usage, "Git server: all that it needs, once, by root; twice "
	"changes nothing. Prints what is to be run on the gateway.",
	server_rows, NULL };

static const char *const check_usage[] = {
	"postern git check [--timeout TIME] [--json]", NULL };
static const struct opt_row check_rows[] = { CONFIG_ROW,
	TIMEOUT_ROW("for a login, and a program that is asked"), JSON_ROW,
	{ 0 } };
static const struct opt_cmd check_cmd = { "postern git check", check_usage,
	"Either side, root: tries the whole way, says what is wrong and what "
	"cures it.", check_rows, NULL };
static const char *const status_usage[] = {
	"postern git status [--timeout TIME] [--json]", NULL };
static const struct opt_row status_rows[] = { CONFIG_ROW,
	TIMEOUT_ROW("for the other side's answer"), JSON_ROW, { 0 } };
static const struct opt_cmd status_cmd = { "postern git status",
	status_usage, "Either side: the keys in force, the last push, the "
	"connections.", status_rows, NULL };

static const char *const audit_usage[] = {
	"postern git audit [--since TIME] [--id ID] [--repo GLOB] "
	"[--verb VERB] [--failed] [--json]", NULL };
static const struct opt_row audit_rows[] = {
	CONFIG_ROW,
	{ 0, "since", "TIME", "how long ago, such as 2h or 7d; or a day, such "
	    "as 2026-11-22, or 2026-11-22T09:30Z", O_SINCE },
	{ 0, "id", "ID", "of this user alone", O_ID },
	{ 0, "repo", "GLOB", "of these repositories; * is any run of "
	    "characters", O_REPO },
	{ 0, "verb", "VERB", "of this command, such as git-receive-pack",
	    O_VERB },
	{ 0, "failed", NULL, "refused, or ended with another status than 0",
	    O_FAILED },
	JSON_ROW,
	{ 0 }
};
static const struct opt_cmd audit_cmd = { "postern git audit", audit_usage,
	"Either side: who did what, out of what was written down of the "
	"sessions.", audit_rows, NULL };

static const char *const usage[] = {
	"postern git COMMAND [OPTION ...] [OPERAND ...]", NULL };
static const struct opt_row no_rows[] = { { 0 } };
static const struct opt_sub subs[] = {
	{ "setup-gateway", "gateway: once, by root", &gateway_cmd,
	    GITOPTS_SETUP_GATEWAY },
	{ "setup-server", "git server: once, by root", &server_cmd,
	    GITOPTS_SETUP_SERVER },
	{ "check", "try the whole way, say what is wrong", &check_cmd,
	    GITOPTS_CHECK },
	{ "status", "keys in force, last push, connections", &status_cmd,
	    GITOPTS_STATUS },
	{ "mux", "gateway: keep connections to the git server", &mux_cmd,
	    GITOPTS_MUX },
	{ "push-keys", "git server: all keys to the gateway", &push_cmd,
	    GITOPTS_PUSH_KEYS },
	{ "rollback", "gateway: an older generation of keys", &roll_cmd,
	    GITOPTS_ROLLBACK },
	{ "lint-keys", "what a push would make of key files", &lint_cmd,
	    GITOPTS_LINT_KEYS },
	{ "explain", "what a command would come to; whose key one is",
	    &explain_cmd, GITOPTS_EXPLAIN },
	{ "audit", "who did what", &audit_cmd, GITOPTS_AUDIT },
	{ 0 }
};
const struct opt_cmd gitopts_top = { "postern git", usage,
	"One git command as one gitolite user, through a gateway host.",
	no_rows, subs };

/* What no deadline of ours has to count further than. */
static int
timeout(const char *value, uint64_t *ret, struct err *e)
{
	uint64_t ms;

	if (num_duration_ms(value, "--timeout", &ms, e) == -1)
		return -1;
	*ret = ms < TIMEOUT_MAX_MS ? ms : TIMEOUT_MAX_MS;
	return 0;
}

int
gitopts_set(void *arg, int id, const char *value, struct err *e)
{
	struct gitopts *o = arg;

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
		return timeout(value, &o->timeout_ms, e);
	case O_ID:
		o->id = value;
		break;
	case O_KEY:
		o->key = o->setup.key = value;
		break;
	case O_SIDE:
		o->side = value;
		break;
	case O_SINCE:
		o->since = value;
		break;
	case O_REPO:
		o->repo = value;
		break;
	case O_VERB:
		o->verb = value;
		break;
	case O_FAILED:
		o->failed = true;
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
	case O_MIRROR:
		o->setup.mirror = value;
		break;
	case O_IS_MIRROR:
		o->setup.is_mirror = true;
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
