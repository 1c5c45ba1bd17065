/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <syslog.h>

#include "gitconf.h"
#include "mux.h"
#include "ui/log.h"
#include "ui/opt.h"

enum { O_CONFIG = 1, O_QUIET, O_VERBOSE, O_DEMAND };

enum { C_MUX = 1 };

struct opts {
	const char *config;
	bool quiet, verbose, demand;
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

static const char *const usage[] = {
	"postern git COMMAND [OPTION ...] [OPERAND ...]", NULL };
static const struct opt_row no_rows[] = { { 0 } };
static const struct opt_sub subs[] = {
	{ "mux", "gateway: keep connections to the git server", &mux_cmd,
	    C_MUX },
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

/* What the tables say, or the command itself. The exit status, or -1. */
static int
go(int argc, char **argv, struct opts *o, struct err *e)
{
	int first, dashes;
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
	if (first < argc)
		return err_set(e, ERR_USAGE, "'%s': no operand is wanted",
		    argv[first]);
	log_open("postern-git", o->verbose ? LOG_LVL_DEBUG : o->quiet ?
	    LOG_LVL_ERROR : LOG_LVL_INFO);
	return mux(o, e);
}

int
main(int argc, char **argv)
{
	struct opts o = { .config = GITCONF_PATH };
	struct err e = ERR_INIT;
	int status;

	openlog("postern-git", LOG_PID, LOG_AUTHPRIV);
	log_open("postern-git", LOG_LVL_INFO);
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
