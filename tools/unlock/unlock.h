/* SPDX-License-Identifier: ISC */
/*
 * unlock: what the command line and unlock.conf ask for. main.c fills it,
 * plan.c turns it, with csync2's configuration, into what will be done.
 */
#ifndef POSTERN_UNLOCK_H
#define POSTERN_UNLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"

enum unlock_action {
	UNLOCK_PUSH,		/* open, push, close */
	UNLOCK_HOLD,		/* a shared window until Ctrl-C or --for */
	UNLOCK_COMMAND,		/* a shared window while a command runs */
	UNLOCK_CHECK,
	UNLOCK_SETUP,
	UNLOCK_CAGE,
};

enum unlock_way {
	UNLOCK_PIPE,		/* csync2 -i on the pipes of an ssh */
	UNLOCK_FIFO,		/* a key a receiver, one after another */
	UNLOCK_SHARED,		/* one key for all */
};

struct unlock_map {
	char *name, *dest;
};

struct unlock_opts {
	enum unlock_action action;
	enum unlock_way way;
	struct strv groups;
	struct strv command;		/* after -- */

	/* where csync2's configuration is */
	char *cfg_file;			/* -c */
	char *cfg_name;			/* -C */
	char *sysdir;			/* CSYNC2_SYSTEM_DIR, or /etc */
	bool sysdir_set;
	char *self;			/* -N, or gethostname(2) */
	char *dbdir;			/* -D, or csync2's own choice */

	/* which hosts, and how to reach them */
	char *from;			/* NULL: this host pushes */
	struct strv only, except;	/* -H, --exclude */
	struct unlock_map *map;
	size_t nmap;
	char *user;
	char *become;
	char *ssh;			/* program, NULL: ssh */
	char *ssh_config;		/* -F */
	struct strv ssh_options;	/* -o */

	char *key;			/* "random", "file:…" */
	char *holder_key;		/* --holder-key FILE for --setup */
	char *state_dir;		/* --state, where scans are kept */

	uint64_t jobs;
	uint64_t connect_ms;
	uint64_t host_ms;		/* a receiver's push */
	uint64_t scan_ms;		/* the scan of a pipe push */
	uint64_t for_ms;		/* limit of a window or run; 0: none */
	bool jobs_set;

	bool dry_run, json, quiet, verbose;
	bool verify, strict, accept_risk, hosts, test;
	bool silent;			/* the check before a push */
};

/* opts_parse(): argv, and unlock.conf for what argv left open. hold: called
 * as csync2_unlocker. 0 with *ret filled; 1 when --help or the like was
 * answered; -1 with *e. opts_clear() afterwards in every case. */
int opts_parse(int argc, char **argv, bool hold, struct unlock_opts *ret,
	struct err *e);
void opts_clear(struct unlock_opts *o);

#endif
