/* SPDX-License-Identifier: ISC */
/*
 * opts_table: the commands of postern backup, their options and where each
 * one's value goes. For opts.c.
 */
#ifndef BACKUP_OPTS_TABLE_H
#define BACKUP_OPTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backup.h"
#include "ui/opt.h"

/* In the order of the table places; none left out. */
enum opts_id {
	O_CONFIG = 1, O_JSON, O_QUIET, O_VERBOSE, O_DRY, O_JOB, O_CLIENT,
	O_STORE, O_KEY, O_FINGERPRINT, O_SSHCFG, O_SSH, O_SSHOPT, O_ALLOW,
	O_QUOTA, O_USER, O_REMOVE, O_MODE, O_BANDWIDTH, O_TIMEOUT, O_TO,
	O_PRIVILEGED, O_EXACT, O_PREFIX, O_SNAPSHOT, O_MAX_AGE, O_SAMPLE,
	O_LINES, O_MIN, O_DEPTH, O_HTML, O_TEXTFILE, O_STDIO, O_FULL, O_END
};

enum opts_kind {
	OPTS_STR,	/* char *, not empty */
	OPTS_NAME,	/* char *, settings_name() */
	OPTS_PATH,	/* char *, settings_path() */
	OPTS_LIST,	/* struct strv */
	OPTS_FLAG,	/* bool */
	OPTS_TIME,	/* uint64_t ms, more than 0 */
	OPTS_SIZE,	/* uint64_t bytes */
	OPTS_NUM,	/* uint64_t, min..max */
	OPTS_ALLOW,	/* unsigned, allow.h */
};

struct opts_place {
	const char *name;
	enum opts_kind kind;
	size_t at;		/* in struct backup_opts */
	uint64_t min, max;
};

enum opts_side { OPTS_CLIENT, OPTS_STORE, OPTS_EITHER };

struct opts_command {
	enum backup_cmd id;
	enum opts_side side;
	bool needs_store;	/* on the store's side: its folder is known */
	int min_args, max_args;	/* max -1: any number */
	const struct opt_cmd *cmd;
};

/* opts_place(): of option id; NULL: there is no such id. */
const struct opts_place *opts_place(int id);
const struct opts_command *opts_command(enum backup_cmd id);
/* opts_top(): the table with all of them as its subs. */
const struct opt_cmd *opts_top(void);

#endif
