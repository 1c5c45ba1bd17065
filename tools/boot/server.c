/* SPDX-License-Identifier: ISC */
#include "server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "serverconf.h"

enum { O_KEYS = 1, O_EMERGENCY, O_HOST_KEY, O_PORT, O_IP, O_SSHD, O_NAME,
	O_BUILD, O_CHANGED, O_WATCH, O_DRY, O_JSON, O_QUIET, O_VERBOSE };

static const char *const setup_usage[] = {
	"postern boot setup [OPTION ...]", NULL };
static const struct opt_row setup_rows[] = {
	{ 0, "authorized-key", "FILE", "who may give passphrases "
	    "(/root/.ssh/authorized_keys)", O_KEYS },
	{ 0, "emergency-key", "FILE", "who gets a shell; otherwise nobody",
	    O_EMERGENCY },
	{ 'p', "port", "PORT", "where the initramfs' sshd listens (2222)",
	    O_PORT },
	{ 0, "ip", "ADDRESS", "as in the kernel's ip=: dhcp, or an address",
	    O_IP },
	{ 0, "sshd", "KIND", "dropbear, openssh, or auto: what is there",
	    O_SSHD },
	{ 0, "name", "HOST", "what clients call this host; its own name",
	    O_NAME },
	{ 0, "build", NULL, "build the image as well", O_BUILD },
	{ 0, "if-changed", NULL, "build it where a key has changed since; for "
	    "--watch", O_CHANGED },
	{ 0, "watch", NULL, "have systemd build it anew when a key changes",
	    O_WATCH },
	{ 'n', "dry-run", NULL, "say what would be done", O_DRY },
	{ 'q', "quiet", NULL, "say only what failed", O_QUIET },
	{ 0 }
};
const struct opt_cmd server_setup_cmd = { "postern boot setup", setup_usage,
	"On the server: a boot host key, section [server] of boot.conf, and "
	"what is left to do.", setup_rows, NULL };

static const char *const check_usage[] = {
	"postern boot check [OPTION ...] [IMAGE]", NULL };
static const struct opt_row check_rows[] = {
	{ 0, "json", NULL, "an object a line on standard output", O_JSON },
	{ 'q', "quiet", NULL, "say only what is wrong", O_QUIET },
	{ 0 }
};
const struct opt_cmd server_check_cmd = { "postern boot check", check_usage,
	"On the server: whether its initramfs, as it was built, would let you "
	"in. Changes nothing.", check_rows, NULL };

static const char *const stage_usage[] = {
	"postern boot stage [OPTION ...] FOLDER", NULL };
static const struct opt_row stage_rows[] = {
	{ 0, "authorized-key", "FILE", "instead of boot.conf's", O_KEYS },
	{ 0, "host-key", "FILE", "instead of boot.conf's", O_HOST_KEY },
	{ 'p', "port", "PORT", "instead of boot.conf's", O_PORT },
	{ 'q', "quiet", NULL, "say only what failed", O_QUIET },
	{ 0 }
};
static const struct opt_cmd stage_cmd = { "postern boot stage", stage_usage,
	"For the modules of dracut and initramfs-tools: writes what goes into "
	"an image.", stage_rows, NULL };

static const struct {
	const char *name;
	enum server_action action;
	const struct opt_cmd *cmd;
	int (*run)(const struct server_opts *o, struct err *e);
} commands[] = {
	{ "setup", SERVER_SETUP, &server_setup_cmd, setup_run },
	{ "check", SERVER_CHECK, &server_check_cmd, check_run },
	{ "stage", SERVER_STAGE, &stage_cmd, stage_run },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int
set(void *arg, int id, const char *v, struct err *e)
{
	struct server_opts *o = arg;
	enum serverconf_sshd kind;

	switch (id) {
	case O_KEYS:
		o->keys = v;
		return serverconf_path(v, "--authorized-key", e);
	case O_EMERGENCY:
		o->emergency = v;
		return serverconf_path(v, "--emergency-key", e);
	case O_HOST_KEY:
		o->host_key = v;
		return serverconf_path(v, "--host-key", e);
	case O_PORT:
		return num_u64(v, "--port", 1, 65535, &o->port, e);
	case O_IP:
		o->ip = v;
		return serverconf_ip(v, "--ip", e);
	case O_SSHD:
		o->sshd = v;
		return serverconf_sshd(v, "--sshd", &kind, e);
	case O_NAME:
		o->name = v;
		return 0;
	case O_BUILD:
		o->build = true;
		return 0;
	case O_CHANGED:
		o->build = o->if_changed = true;
		return 0;
	case O_WATCH:
		o->watch = true;
		return 0;
	case O_DRY:
		o->dry_run = true;
		return 0;
	case O_JSON:
		o->json = true;
		return 0;
	case O_QUIET:
		o->quiet = true;
		return 0;
	default:
		o->answer = id;
		return 0;
	}
}

bool
server_mine(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return true;
	return false;
}

/* The paths were refused as a file's would be; here it was the command line. */
static int
usage(struct err *e)
{
	if (e->code == ERR_CONFIG)
		e->code = ERR_USAGE;
	return -1;
}

int
server_parse(int argc, char **argv, struct server_opts *ret, struct err *e)
{
	const struct opt_cmd *cmd = NULL;
	int first, dashes, n;
	size_t i;

	for (i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			cmd = commands[i].cmd;
			ret->action = commands[i].action;
		}
	}
	if (cmd == NULL)
		return err_set(e, ERR_USAGE, "which command?");
	argc--;
	argv++;
	if (opt_parse(cmd, argc, argv, 0, set, ret, &first, &dashes, e) == -1)
		return usage(e);
	if (ret->answer != 0) {
		if (opt_answer(cmd, ret->answer, POSTERN_VERSION,
		    stdout) == -1)
			return err_sys(e, "standard output");
		return 1;
	}
	n = argc - first;
	if (n > (ret->action != SERVER_SETUP))
		return err_set(e, ERR_USAGE, "'%s': one word too many",
		    argv[argc - 1]);
	if (n == 0 && ret->action == SERVER_STAGE)
		return err_set(e, ERR_USAGE, "which folder?");
	ret->operand = n == 1 ? argv[first] : NULL;
	return 0;
}

int
server_run(const struct server_opts *o, struct err *e)
{
	size_t i;

	if (geteuid() != 0)
		return err_set(e, ERR_USAGE, "needs root: host keys and images "
		    "are root's alone");
	for (i = 0; i < COMMANDS; i++)
		if (commands[i].action == o->action)
			return commands[i].run(o, e);
	return err_set(e, ERR_USAGE, "which command?");
}
