/* SPDX-License-Identifier: ISC */
/*
 * gitopts: the commands of `postern git`, the options of each, and what was
 * given. The tables make --help, the completion and the check of the manual.
 */
#ifndef GIT_GITOPTS_H
#define GIT_GITOPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "setup.h"
#include "ui/opt.h"

enum gitopts_cmd {
	GITOPTS_MUX = 1,
	GITOPTS_PUSH_KEYS,
	GITOPTS_ROLLBACK,
	GITOPTS_LINT_KEYS,
	GITOPTS_EXPLAIN,
	GITOPTS_SETUP_GATEWAY,
	GITOPTS_SETUP_SERVER,
	GITOPTS_CHECK,
	GITOPTS_STATUS,
	GITOPTS_AUDIT,
};

/* All borrowed from argv. */
struct gitopts {
	const char *config;
	bool quiet, verbose, demand, json, force, failed;
	uint64_t timeout_ms;	/* 0: git.conf's */
	const char *id, *key;
	const char *side;	/* "gateway", "server", or NULL */
	const char *since, *repo, *verb;
	struct setup_opts setup;	/* its key is --key's */
	int answer;		/* OPT_HELP and the like, or 0 */
};

extern const struct opt_cmd gitopts_top;

/* gitopts_set(): opt_parse()'s handler; arg is a struct gitopts. */
int gitopts_set(void *arg, int id, const char *value, struct err *e);

#endif
