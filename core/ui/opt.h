/* SPDX-License-Identifier: ISC */
/*
 * opt: a command line from one table of rows. The table drives getopt_long,
 * prints --help, generates the bash completion, and lets a test check that
 * the man page names every option.
 *
 * Every command has, without a row: --help, --version, and the hidden
 * --opt-table that prints the rows for the completion and the man page test.
 * They reach set() as OPT_HELP, OPT_VERSION and OPT_TABLE; the caller
 * remembers the id and has opt_answer() print what was asked for.
 *
 * A command may have commands of its own (subs), each with a table. Then
 * opt_parse() with stop_at_operand walks the options before the name,
 * opt_sub() finds the name, and a second opt_parse() with that command's
 * table walks the rest.
 *
 * Unique beginnings of long options are understood, as getopt_long(3) does.
 * At most 190 rows.
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
#define OPT_TABLE	(-3)

struct opt_cmd {
	const char *name;	/* "postern unlock" */
	const char *const *usage;	/* lines after "usage: ", NULL-ended */
	const char *about;	/* a paragraph, or NULL */
	const struct opt_row *rows;	/* ended by a row with id 0 */
	const struct opt_sub *subs;	/* ended by id 0; NULL: has none */
};

struct opt_sub {
	const char *name;		/* "restore" */
	const char *summary;		/* as a row's help; NULL: not shown */
	const struct opt_cmd *cmd;	/* whose subs is NULL */
	int id;				/* > 0 */
};

/*
 * opt_parse(): walk argv; set(arg, id, value) for each option, in order.
 * stop_at_operand: the first operand ends the options ("+" in getopt);
 * otherwise options and operands mix, and "--" ends the options.
 * set returns 0, or -1 with *e filled, which ends the walk.
 * *ret_first: index of the first operand in argv (permuted: options, "--",
 * operands, the words after "--"). *ret_dashes: index of the first word after
 * "--", or argc when there was none; the words from *ret_first to before it
 * are operands. With stop_at_operand a "--" counts only before the first
 * operand. 0, or -1: ERR_USAGE, ERR_MEM, whatever set gave.
 */
int opt_parse(const struct opt_cmd *cmd, int argc, char **argv,
	int stop_at_operand, int (*set)(void *arg, int id, const char *value,
	struct err *e), void *arg, int *ret_first, int *ret_dashes,
	struct err *e);

/* opt_sub(): the command called name. NULL: ERR_USAGE, with the name that was
 * probably meant. */
const struct opt_sub *opt_sub(const struct opt_cmd *cmd, const char *name,
	struct err *e);

/* opt_help(): usage, about, commands and rows, wrapped for 80 columns. */
void opt_help(const struct opt_cmd *cmd, FILE *out);

/* opt_table(): "LETTER\tNAME\tARG\tHELP" a row, for tools and tests; rows
 * without a help text are left out. Then, for each command of its own,
 * "NAME\tSUMMARY" and that one's rows. */
void opt_table(const struct opt_cmd *cmd, FILE *out);

/* opt_answer(): print what id (OPT_HELP, OPT_VERSION, OPT_TABLE) asks for and
 * flush out. 1 when done, 0 when id is another one, -1 when out failed. */
int opt_answer(const struct opt_cmd *cmd, int id, const char *version,
	FILE *out);

/* opt_near(): the one of n names that word was probably meant to be, or NULL.
 * Returns one of the borrowed names. */
const char *opt_near(const char *word, const char *const *names, size_t n);

#endif
