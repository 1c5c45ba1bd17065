/* SPDX-License-Identifier: ISC */
/*
 * opt: a command line from one table of rows. The table drives getopt_long,
 * prints --help, generates the bash completion, and lets a test check that
 * the man page names every option.
 *
 * Every command has, without a row: --help, --version (both handled by the
 * caller from OPT_HELP / OPT_VERSION), and the hidden --opt-table that
 * prints the rows for the completion and the man page test.
 */
#ifndef POSTERN_OPT_H
#define POSTERN_OPT_H

#include <stdio.h>

#include "base/err.h"

struct opt_row {
	char letter;		/* 'c' for -c; 0: none */
	const char *name;	/* "config" for --config; NULL: none */
	const char *arg;	/* "FILE"; NULL: takes none */
	const char *help;	/* one line, lower case, no full stop;
				 * NULL: not shown (an alias) */
	int id;			/* > 0, what the handler gets */
};

#define OPT_HELP	(-1)
#define OPT_VERSION	(-2)

struct opt_cmd {
	const char *name;	/* "postern unlock" */
	const char *const *usage;	/* lines after "usage: ", NULL-ended */
	const char *about;	/* a paragraph, or NULL */
	const struct opt_row *rows;	/* ended by a row with id 0 */
};

/*
 * opt_parse(): walk argv; set(arg, id, value) for each option, in order.
 * stop_at_operand: the first operand ends the options ("+" in getopt);
 * otherwise options and operands mix, and "--" ends the options.
 * set returns 0, or -1 with *e filled, which ends the walk.
 * *ret_first: index of the first operand in argv (permuted). *ret_dashes:
 * index of the first word after "--", or argc when there was none; words
 * before it are operands. 0, or -1 ERR_USAGE; --help and --version reach set() as OPT_HELP, OPT_VERSION.
 */
int opt_parse(const struct opt_cmd *cmd, int argc, char **argv,
	int stop_at_operand, int (*set)(void *arg, int id, const char *value,
	struct err *e), void *arg, int *ret_first, int *ret_dashes,
	struct err *e);

/* opt_help(): usage, about and rows, wrapped for 80 columns. */
void opt_help(const struct opt_cmd *cmd, FILE *out);

/* opt_table(): "LETTER\tNAME\tARG\tHELP" a row, for tools and tests. */
void opt_table(const struct opt_cmd *cmd, FILE *out);

#endif
