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
#include "bootconf.h"

enum boot_action { BOOT_UNLOCK = 1, BOOT_STATUS, BOOT_PEEK, BOOT_LOG,
	BOOT_SERVER };

/* How a host is reached, and what for: by the command line, else by its own
 * section of boot.conf, else by that of all hosts. Strings are borrowed. */
struct boot_host {
	const char *name;		/* as it was named: {host}, its pin */
	const char *dest;		/* for ssh; host_check()ed */
	const char *user, *key;		/* NULL: ssh's own choice */
	const char *secret;		/* bootsecret_check()ed */
	const char *known_hosts;	/* NULL: bootpins_path()'s */
	const char *real_known_hosts;	/* NULL: ssh's own */
	uint64_t port, real_port;	/* 0: ssh's own choice */
	bool keep_going;
};

/* Strings are borrowed from argv, but for those of the vectors. */
struct boot_opts {
	enum boot_action action;
	struct bootconf conf;
	struct boot_host *hosts;	/* owned; each once */
	size_t nhosts;
	struct boot_host given;		/* of each host: what the options say */
	bool all;			/* the hosts of conf */
	const char *config;		/* NULL: conf_find()'s */
	const char *ssh, *ssh_config;
	struct strv ssh_options;	/* -o */
	uint64_t jobs;
	uint64_t connect_ms, timeout_ms;
	uint64_t wait_ms;		/* 0: for nobody */
	bool dry_run, json, quiet, verbose;
	int answer;			/* OPT_HELP and the like, or 0 */
};

/* bootopts_parse(): argv into *ret, with what is not given at its default.
 * 0; 1: --help or the like was answered; -1: ERR_USAGE, ERR_CONFIG (a host,
 * boot.conf), those of bootconf_load(), ERR_MEM. bootopts_clear() in every
 * case. */
int bootopts_parse(int argc, char **argv, struct boot_opts *ret,
	struct err *e);
void bootopts_clear(struct boot_opts *o);

/* boothosts_add(): name, once, with all that is said of it. Borrows name.
 * boothosts_all(): those of o->conf. Pure. 0, or -1: ERR_CONFIG (a name that is
 * no host; none is there), ERR_MEM. */
int boothosts_add(struct boot_opts *o, const char *name, struct err *e);
int boothosts_all(struct boot_opts *o, struct err *e);

/* run_boot(): all of it. The exit status, or -1 when nothing was begun. */
int run_boot(const struct boot_opts *o, struct err *e);

#endif
