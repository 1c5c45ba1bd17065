/* SPDX-License-Identifier: ISC */
/*
 * backup: what the command line and backup.conf(5) said, and the functions
 * that do it, one a sub-command.
 *
 *	opts_parse() → backup_NAME() → exit status
 *
 * Each backup_NAME() returns an exit status (0 done, 1 failed, 2 partly done,
 * 75 busy) after it has said itself what was partly done; or -1 with *e
 * filled, which main() prints and turns into a status.
 *
 * Some commands work on either side: restore, list, find, verify, cat and
 * explain ask the store when side is SIDE_CLIENT, and work in STORE itself,
 * as its owner, when it is SIDE_STORE. That is so when --store or --client
 * was given, and when backup.conf has a [store] and no [job].
 */
#ifndef BACKUP_BACKUP_H
#define BACKUP_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "settings.h"

enum backup_cmd {
	BACKUP_SETUP = 1, BACKUP_RUN, BACKUP_RESTORE, BACKUP_LIST,
	BACKUP_FIND, BACKUP_VERIFY, BACKUP_CAT, BACKUP_USAGE,
	BACKUP_ACCEPT, BACKUP_PULL, BACKUP_RECEIVE, BACKUP_EXPLAIN,
	BACKUP_SHOW, BACKUP_DIFF, BACKUP_DU, BACKUP_PRUNE, BACKUP_PIN,
	BACKUP_STATUS,
};

enum backup_side { SIDE_CLIENT, SIDE_STORE };

/* All strings are owned, NULL when not given. */
struct backup_opts {
	enum backup_cmd cmd;
	const char *name;	/* "restore"; static */
	enum backup_side side;

	/*
	 * Operands, their number checked (opts.c, table commands):
	 * setup [USER@]STORE; run, usage [JOB…]; restore SNAPSHOT [PATH…];
	 * list [SNAPSHOT [PATH]], on the store also [CLIENT…]; find PATTERN;
	 * verify, prune, du, status: as many as there are, on the store of
	 * clients, verify of snapshots;
	 * cat SNAPSHOT PATH; pull HOST; explain ['COMMAND']; show, pin
	 * SNAPSHOT; diff SNAPSHOT SNAPSHOT [PATH]; accept, receive: none.
	 */
	struct strv args;

	char *config;		/* --config */
	bool json, quiet, verbose, dry_run;

	char *job;		/* --job NAME, settings_name()d */
	char *client;		/* --client NAME, settings_name()d */
	char *store;		/* --store DIR; filled from [store] dir */

	/* setup */
	char *key;		/* --key: setup's file; accept's FILE, - or
				 * the key itself */
	char *fingerprint;	/* --fingerprint SHA256:… */
	char *ssh_config, *ssh;	/* -F, --ssh */
	struct strv ssh_options;	/* -o */

	/* accept, receive, explain */
	unsigned allow;		/* allow.h; 0: not given */
	uint64_t quota;		/* bytes */
	bool quota_set;
	char *user;		/* --user: whose authorized_keys */
	bool remove;		/* accept --remove; pin --remove */

	/* run, pull */
	bool full;		/* run --full: go by no files-cache */
	bool stdio;		/* run --stdio: the store has started us */
	char *mode;		/* "channel", "direct" */
	uint64_t bandwidth;	/* bytes a second; 0: not given */
	uint64_t timeout_ms;	/* for the whole; 0: not given */

	/* restore */
	char *to;		/* --to DIR */
	bool privileged;

	/* find */
	bool exact, prefix;	/* neither: a glob */
	char *snapshot;		/* --snapshot NAME */

	/* verify */
	uint64_t max_age_ms;	/* 0: not given */
	uint64_t sample;	/* per cent; 0: not given */

	/* usage */
	uint64_t lines;		/* filled: 30 */
	uint64_t min_size;

	/* du */
	uint64_t depth;		/* filled: 2 */

	/* status */
	char *html, *textfile;

	struct settings conf;	/* settings_check()ed */
};

/*
 * opts_parse(): argv and backup.conf into *ret (zeroed). Returns 0; 1 when
 * --help or the like was answered; -1: ERR_USAGE, ERR_CONFIG, ERR_MEM.
 */
int opts_parse(int argc, char **argv, struct backup_opts *ret, struct err *e);
/* opts_text(): the same from a configuration given as text, read by nobody
 * else; for tests. text NULL: no file. */
int opts_text(int argc, char **argv, const char *text,
	struct backup_opts *ret, struct err *e);
void opts_clear(struct backup_opts *o);
/* opts_job(): the job called name (NULL: --job, or the only one), filled, with
 * what the command line says of it (-F, -o, --ssh, --mode, --bandwidth,
 * --timeout) in place of the file's. Borrowed from o, or NULL: ERR_CONFIG,
 * ERR_MEM. */
struct settings_job *opts_job(struct backup_opts *o, const char *name,
	struct err *e);

/* The machine that is backed up. */
int backup_setup(struct backup_opts *o, struct err *e);
int backup_run(struct backup_opts *o, struct err *e);
int backup_usage(struct backup_opts *o, struct err *e);

/* Either side. */
int backup_restore(struct backup_opts *o, struct err *e);
int backup_list(struct backup_opts *o, struct err *e);
int backup_find(struct backup_opts *o, struct err *e);
int backup_verify(struct backup_opts *o, struct err *e);
int backup_cat(struct backup_opts *o, struct err *e);
int backup_explain(struct backup_opts *o, struct err *e);

/* The store. */
int backup_accept(struct backup_opts *o, struct err *e);
int backup_pull(struct backup_opts *o, struct err *e);
int backup_receive(struct backup_opts *o, struct err *e);
int backup_show(struct backup_opts *o, struct err *e);
int backup_diff(struct backup_opts *o, struct err *e);
int backup_du(struct backup_opts *o, struct err *e);
int backup_prune(struct backup_opts *o, struct err *e);
int backup_pin(struct backup_opts *o, struct err *e);
int backup_status(struct backup_opts *o, struct err *e);

#endif
