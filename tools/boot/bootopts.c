/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "boot.h"
#include "bootsecret.h"
#include "server.h"
#include "ui/opt.h"

#define JOBS		16
#define CONNECT_MS	10000u
#define TIMEOUT_MS	180000u
#define MS_MAX		((uint64_t)24 * 3600 * 1000)

enum { O_SECRET = 1, O_KNOWN_HOSTS, O_PORT, O_USER, O_SSH, O_SSHCFG, O_SSHOPT,
	O_JOBS, O_CONNECT, O_TIMEOUT, O_KEEP_GOING, O_DRY, O_JSON, O_QUIET,
	O_VERBOSE, O_ALL, O_CONFIG, O_WAIT, O_REAL_PORT, O_REAL_KNOWN };

#define REACH_ROWS \
	{ 'a', "all", NULL, "every host of boot.conf", O_ALL }, \
	{ 0, "config", "FILE", "instead of boot.conf(5)", O_CONFIG }, \
	{ 0, "known-hosts", "FILE", "the pinned boot host keys", \
	    O_KNOWN_HOSTS }, \
	{ 'p', "port", "PORT", "where the initramfs' sshd listens", O_PORT }, \
	{ 0, "user", "USER", "log in as USER", O_USER }, \
	{ 'F', "ssh-config", "FILE", "ssh's configuration file", O_SSHCFG }, \
	{ 'o', "ssh-option", "OPTION", "passed to ssh -o", O_SSHOPT }, \
	{ 0, "ssh", "PROGRAM", "run this instead of ssh", O_SSH }, \
	{ 'j', "jobs", "N", "connections at once (16)", O_JOBS }, \
	{ 0, "connect-timeout", "TIME", "until a host answers (10s)", \
	    O_CONNECT }, \
	{ 't', "timeout", "TIME", "for a list, a source, all prompts of a " \
	    "host (3m)", O_TIMEOUT }, \
	{ 'n', "dry-run", NULL, "show the ssh commands, connect to nothing", \
	    O_DRY }, \
	{ 0, "json", NULL, "an object a line on standard output", O_JSON }, \
	{ 'q', "quiet", NULL, "say only what failed", O_QUIET }, \
	{ 'v', "verbose", NULL, "what each ssh says, too", O_VERBOSE }, \
	{ 0 }

static const char *const unlock_usage[] = {
	"postern boot unlock [--secret SOURCE] [OPTION ...] HOST ... | --all",
	NULL };
static const struct opt_row unlock_rows[] = {
	{ 's', "secret", "SOURCE", "tty, file:PATH, fd:N or cmd:COMMAND; in "
	    "COMMAND {host} and {uuid} are the prompt's", O_SECRET },
	{ 'k', "keep-going", NULL, "with the other hosts after a rejection",
	    O_KEEP_GOING },
	{ 'w', "wait", "TIME", "for hosts that are down, have no prompt yet, "
	    "or boot", O_WAIT },
	{ 0, "real-port", "PORT", "where the real system's sshd listens",
	    O_REAL_PORT },
	{ 0, "real-known-hosts", "FILE", "the real system's host keys",
	    O_REAL_KNOWN },
	REACH_ROWS };
static const struct opt_cmd unlock_cmd = { "postern boot unlock",
	unlock_usage, "A passphrase to each prompt that waits in the hosts' "
	"initramfs, tested before it is delivered.", unlock_rows, NULL };

static const struct opt_row reach_rows[] = { REACH_ROWS };
static const char *const status_usage[] = {
	"postern boot status [OPTION ...] HOST ... | --all", NULL };
static const struct opt_cmd status_cmd = { "postern boot status",
	status_usage, "Which prompts wait in the hosts' initramfs. Changes "
	"nothing.", reach_rows, NULL };
static const char *const peek_usage[] = {
	"postern boot peek [OPTION ...] HOST ... | --all", NULL };
static const struct opt_cmd peek_cmd = { "postern boot peek", peek_usage,
	"What stands on the screen of the hosts' console. Changes nothing.",
	reach_rows, NULL };

static const char *const log_usage[] = {
	"postern boot log [OPTION ...] HOST ... | --all", NULL };
static const struct opt_cmd log_cmd = { "postern boot log", log_usage,
	"Which passphrases were given in the hosts' initramfs, when and by "
	"whom. Changes nothing.", reach_rows, NULL };

static const char *const usage[] = {
	"postern boot COMMAND [OPTION ...] HOST ...", NULL };
static const struct opt_row no_rows[] = { { 0 } };
static const struct opt_sub subs[] = {
	{ "unlock", "a passphrase to each prompt", &unlock_cmd, BOOT_UNLOCK },
	{ "status", "which prompts wait", &status_cmd, BOOT_STATUS },
	{ "peek", "what stands on the console's screen", &peek_cmd,
	    BOOT_PEEK },
	{ "log", "who gave a passphrase, and when", &log_cmd, BOOT_LOG },
	/* Of server.c, which main.c asks first. */
	{ "setup", "on a server: what its initramfs gets", &server_setup_cmd,
	    BOOT_SERVER },
	{ "check", "on a server: its initramfs, as it was built",
	    &server_check_cmd, BOOT_SERVER },
	{ 0 }
};
static const struct opt_cmd top = { "postern boot", usage,
	"A passphrase to the prompt that waits in a server's initramfs.",
	no_rows, subs };

static int
set_time(const char *v, const char *what, uint64_t *ret, struct err *e)
{
	uint64_t ms;

	if (num_duration_ms(v, what, &ms, e) == -1)
		return -1;
	if (ms == 0)
		return err_set(e, ERR_USAGE, "%s: must be more than 0", what);
	*ret = ms < MS_MAX ? ms : MS_MAX;
	return 0;
}

static int
set(void *arg, int id, const char *v, struct err *e)
{
	struct boot_opts *o = arg;

	switch (id) {
	case O_SECRET:
		o->given.secret = v;
		break;
	case O_KNOWN_HOSTS:
		o->given.known_hosts = v;
		break;
	case O_PORT:
		return num_u64(v, "--port", 1, 65535, &o->given.port,
		    e);
	case O_USER:
		o->given.user = v;
		break;
	case O_SSH:
		o->ssh = v;
		break;
	case O_SSHCFG:
		o->ssh_config = v;
		break;
	case O_SSHOPT:
		return strv_add(&o->ssh_options, v) == 0 ? 0 :
		    err_set(e, ERR_MEM, "out of memory");
	case O_JOBS:
		return num_u64(v, "--jobs", 1, 4096, &o->jobs, e);
	case O_CONNECT:
		return set_time(v, "--connect-timeout", &o->connect_ms, e);
	case O_TIMEOUT:
		return set_time(v, "--timeout", &o->timeout_ms, e);
	case O_KEEP_GOING:
		o->given.keep_going = true;
		break;
	case O_DRY:
		o->dry_run = true;
		break;
	case O_JSON:
		o->json = true;
		break;
	case O_QUIET:
		o->quiet = true;
		break;
	case O_ALL:
		o->all = true;
		break;
	case O_WAIT:
		return set_time(v, "--wait", &o->wait_ms, e);
	case O_REAL_PORT:
		return num_u64(v, "--real-port", 1, 65535,
		    &o->given.real_port, e);
	case O_REAL_KNOWN:
		o->given.real_known_hosts = v;
		break;
	case O_CONFIG:
		o->config = v;
		break;
	case O_VERBOSE:
		o->verbose = true;
		break;
	default:
		o->answer = id;
		break;
	}
	return 0;
}

static int
add_hosts(struct boot_opts *o, char **v, int n, struct err *e)
{
	int i;

	if (n == 0 && !o->all)
		return err_set(e, ERR_USAGE, "which host?");
	if (n > 0 && o->all)
		return err_set(e, ERR_USAGE, "--all and '%s': one of both",
		    v[0]);
	if (bootconf_load(&o->conf, o->config, e) == -1)
		return -1;
	if (o->all)
		return boothosts_all(o, e);
	for (i = 0; i < n; i++)
		if (boothosts_add(o, v[i], e) == -1)
			return -1;
	return 0;
}

int
bootopts_parse(int argc, char **argv, struct boot_opts *ret, struct err *e)
{
	const struct opt_cmd *cmd = &top;
	const struct opt_sub *sub;
	int first, dashes;

	ret->jobs = JOBS;
	ret->connect_ms = CONNECT_MS;
	ret->timeout_ms = TIMEOUT_MS;
	if (opt_parse(cmd, argc, argv, 1, set, ret, &first, &dashes, e) == -1)
		return -1;
	if (ret->answer == 0 && first == argc)
		ret->answer = OPT_HELP;
	if (ret->answer == 0) {
		sub = opt_sub(&top, argv[first], e);
		if (sub == NULL)
			return -1;
		ret->action = (enum boot_action)sub->id;
		cmd = sub->cmd;
		argc -= first;
		argv += first;
		if (opt_parse(cmd, argc, argv, 0, set, ret, &first, &dashes,
		    e) == -1)
			return -1;
	}
	if (ret->answer != 0) {
		if (opt_answer(cmd, ret->answer, POSTERN_VERSION,
		    stdout) == -1)
			return err_sys(e, "standard output");
		return 1;
	}
	if (ret->given.secret != NULL &&
	    bootsecret_check(ret->given.secret, e) == -1)
		return err_wrap(e, "--secret");
	return add_hosts(ret, argv + first, argc - first, e);
}

void
bootopts_clear(struct boot_opts *o)
{
	bootconf_clear(&o->conf);
	free(o->hosts);
	strv_clear(&o->ssh_options);
	*o = (struct boot_opts){ 0 };
}
