/* SPDX-License-Identifier: ISC */
/*
 * boot: what the command line of `postern boot` asks for. main.c fills it,
 * run.c does it.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"

enum boot_action { BOOT_UNLOCK = 1, BOOT_STATUS, BOOT_PEEK, BOOT_LOG };

/* Strings are borrowed from argv, but for those of the vectors. */
struct boot_opts {
	enum boot_action action;
	struct strv hosts;		/* host_check()ed, each once */
	const char *secret;		/* NULL: tty */
	const char *known_hosts;	/* NULL: bootpins_path()'s */
	const char *user, *ssh, *ssh_config;
	struct strv ssh_options;	/* -o */
	uint64_t port;			/* 0: ssh's own choice */
	uint64_t jobs;
	uint64_t connect_ms, timeout_ms;
	bool keep_going, dry_run, json, quiet, verbose;
	int answer;			/* OPT_HELP and the like, or 0 */
};

/* bootopts_parse(): argv into *ret, with what is not given at its default.
 * 0; 1: --help or the like was answered; -1: ERR_USAGE, ERR_CONFIG (a host),
 * ERR_MEM. bootopts_clear() in every case. */
int bootopts_parse(int argc, char **argv, struct boot_opts *ret,
	struct err *e);
void bootopts_clear(struct boot_opts *o);

/* run_boot(): all of it. The exit status, or -1 when nothing was begun. */
int run_boot(const struct boot_opts *o, struct err *e);

#endif
