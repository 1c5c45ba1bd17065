/* SPDX-License-Identifier: ISC */
/*
 * server: what `postern boot` does on the server itself, as root: setup,
 * check, and stage, which the modules of dracut and initramfs-tools call for
 * all that has to be decided about an image.
 */
#ifndef BOOT_SERVER_H
#define BOOT_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ui/opt.h"

enum server_action { SERVER_SETUP = 1, SERVER_CHECK, SERVER_STAGE };

/* What isn't given is NULL, 0 or false. Strings are borrowed from argv. */
struct server_opts {
	enum server_action action;
	const char *operand;	/* check: the image; stage: the folder */
	const char *keys, *emergency, *host_key, *ip, *sshd, *name;
	uint64_t port;
	bool build, if_changed, watch, dry_run, json, quiet, verbose;
	int answer;		/* OPT_HELP and the like, or 0 */
};

/* For the table of commands. */
extern const struct opt_cmd server_setup_cmd, server_check_cmd;

/* server_mine(): whether argv[1] is one of ours. */
bool server_mine(int argc, char **argv);

/* server_parse(): argv into *ret, zeroed by the caller. 0; 1: --help or the
 * like was answered; -1 ERR_USAGE. */
int server_parse(int argc, char **argv, struct server_opts *ret,
	struct err *e);

/* server_run(): the exit status, or -1 with *e. */
int server_run(const struct server_opts *o, struct err *e);

/* Each of them, as server_run(). */
int setup_run(const struct server_opts *o, struct err *e);
int stage_run(const struct server_opts *o, struct err *e);
int check_run(const struct server_opts *o, struct err *e);

#endif
