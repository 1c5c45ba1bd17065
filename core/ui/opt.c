/* SPDX-License-Identifier: ISC */
#include "ui/opt.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/esc.h"

#define ROWS_MAX 200
#define LONG_BASE 256		/* getopt values of long options */
#define OPERAND 1		/* what getopt returns for one, with "-" */

static const struct opt_row builtin[] = {
	{ 0, "help", NULL, "show this text", OPT_HELP },
	{ 0, "version", NULL, "show the version", OPT_VERSION },
	{ 0, "opt-table", NULL, NULL, OPT_TABLE },
	{ 0 },
};

/* Row i of the command's own and, after them, the built-in ones. */
static const struct opt_row *
row_at(const struct opt_cmd *cmd, size_t i)
{
	size_t n = 0;

	while (cmd->rows[n].id != 0)
		n++;
	if (i < n)
		return &cmd->rows[i];
	return builtin[i - n].id != 0 ? &builtin[i - n] : NULL;
}

/* What getopt_long() takes: letters with room for ROWS_MAX * 2 + 3 bytes,
 * longs for ROWS_MAX + 1. */
static void
fill(const struct opt_cmd *cmd, int stop, char *letters, struct option *longs)
{
	const struct opt_row *r;
	size_t i;

	*letters++ = stop ? '+' : '-';
	*letters++ = ':';
	for (i = 0; i < ROWS_MAX && (r = row_at(cmd, i)) != NULL; i++) {
		if (r->letter != 0) {
			*letters++ = r->letter;
			if (r->arg != NULL)
				*letters++ = ':';
		}
		if (r->name != NULL)
			*longs++ = (struct option){ r->name, r->arg != NULL ?
			    required_argument : no_argument, NULL,
			    LONG_BASE + (int)i };
	}
	*letters = '\0';
	*longs = (struct option){ 0 };
}

static const struct opt_row *
row_of(const struct opt_cmd *cmd, int c)
{
	const struct opt_row *r;
	size_t i;

	if (c >= LONG_BASE)
		return row_at(cmd, (size_t)(c - LONG_BASE));
	for (i = 0; (r = row_at(cmd, i)) != NULL; i++)
		if (r->letter == (char)c)
			return r;
	return NULL;
}

/* getopt's '?' and ':' in words. word: the argument that holds the option. */
static int
complain(const struct opt_cmd *cmd, int c, int opt, const char *word,
	struct err *e)
{
	const struct opt_row *r = opt != 0 ? row_of(cmd, opt) : NULL;
	const char *names[ROWS_MAX];
	const char *near = NULL;
	size_t i, n = 0, len;
	struct buf b;

	buf_init(&b, ERR_MSG_MAX);
	if (strncmp(word, "--", 2) != 0 && r == NULL) {
		(void)esc_text(&b, (const char[]){ (char)opt }, 1);
		err_set(e, ERR_USAGE, "unknown option '-%s' (%s --help lists "
		    "them)", b.data, cmd->name);
	} else if (r != NULL) {
		if (opt >= LONG_BASE)
			(void)buf_addf(&b, "--%s", r->name);
		else
			(void)buf_addf(&b, "-%c", r->letter);
		if (c == ':')
			err_set(e, ERR_USAGE, "option '%s' needs a value: %s",
			    b.data, r->arg);
		else
			err_set(e, ERR_USAGE, "option '%s' takes no value",
			    b.data);
	} else {
		len = strcspn(word + 2, "=");
		(void)esc_text(&b, word + 2, len);
		for (i = 0; i < ROWS_MAX && (r = row_at(cmd, i)) != NULL; i++)
			if (r->name != NULL && r->help != NULL)
				names[n++] = r->name;
		near = opt_near(b.data, names, n);
		if (near != NULL)
			err_set(e, ERR_USAGE, "unknown or ambiguous option "
			    "'--%s'; did you mean '--%s'?", b.data, near);
		else
			err_set(e, ERR_USAGE, "unknown or ambiguous option "
			    "'--%s' (%s --help lists them)", b.data, cmd->name);
	}
	buf_clear(&b);
	return -1;
}

/*
 * Puts argv[1..end) in order: options first, then a "--" of ours when there
 * was one, then the operands, whose indices are marked in is_operand.
 * Returns the index of the first operand. tmp: room for end pointers.
 */
static int
reorder(char **argv, int end, bool dashes, const bool *is_operand, char **tmp)
{
	int stop = dashes ? end - 1 : end;
	int i, first, n = 1;

	for (i = 1; i < stop; i++)
		if (!is_operand[i])
			tmp[n++] = argv[i];
	if (dashes)
		tmp[n++] = argv[end - 1];
	first = n;
	for (i = 1; i < stop; i++)
		if (is_operand[i])
			tmp[n++] = argv[i];
	memcpy(argv + 1, tmp + 1, (size_t)(end - 1) * sizeof(*argv));
	return first;
}

int
opt_parse(const struct opt_cmd *cmd, int argc, char **argv,
	int stop_at_operand, int (*set)(void *arg, int id, const char *value,
	struct err *e), void *arg, int *ret_first, int *ret_dashes,
	struct err *e)
{
	char letters[ROWS_MAX * 2 + 3];
	struct option longs[ROWS_MAX + 1];
	bool *is_operand = NULL, dashes;
	char **tmp = NULL;
	int c, before, first, rc = -1;

	is_operand = calloc((size_t)argc + 1, sizeof(*is_operand));
	tmp = calloc((size_t)argc + 1, sizeof(*tmp));
	if (is_operand == NULL || tmp == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	fill(cmd, stop_at_operand, letters, longs);
	opterr = 0;
	optind = 0;	/* glibc and musl: begin anew */
	for (before = 1; (c = getopt_long(argc, argv, letters, longs,
	    NULL)) != -1; before = optind) {
		if (c == OPERAND) {
			is_operand[optind - 1] = true;
			continue;
		}
		if (c == '?' || c == ':') {
			complain(cmd, c, optopt, argv[before], e);
			goto out;
		}
		if (set(arg, row_of(cmd, c)->id, optarg, e) == -1)
			goto out;
	}
	dashes = optind == before + 1 && strcmp(argv[before], "--") == 0;
	if (stop_at_operand)
		first = optind;
	else
		first = reorder(argv, optind, dashes, is_operand, tmp);
	*ret_first = first;
	*ret_dashes = dashes ? optind : argc;
	rc = 0;
out:
	free(is_operand);
	free(tmp);
	return rc;
}

/* Words of text, wrapped before column 80, from column col on; indent: where
 * the next lines begin. Ends the line. */
static void
wrap(FILE *out, const char *text, size_t col, size_t indent)
{
	size_t len;
	bool first = true;

	while (*(text += strspn(text, " \n")) != '\0') {
		len = strcspn(text, " \n");
		if (!first && col + 1 + len > 79) {
			fprintf(out, "\n%*s", (int)indent, "");
			col = indent;
		} else if (!first) {
			fputc(' ', out);
			col++;
		}
		fwrite(text, 1, len, out);
		text += len;
		col += len;
		first = false;
	}
	fputc('\n', out);
}

#define HELP_COLUMN 28

/* left, and help beside it or below. */
static void
help_line(FILE *out, const char *left, const char *help)
{
	size_t n = strlen(left);

	fputs(left, out);
	if (n > HELP_COLUMN - 2)
		fprintf(out, "\n%*s", HELP_COLUMN, "");
	else
		fprintf(out, "%*s", (int)(HELP_COLUMN - n), "");
	wrap(out, help, HELP_COLUMN, HELP_COLUMN);
}

void
opt_help(const struct opt_cmd *cmd, FILE *out)
{
	const struct opt_sub *s;
	const struct opt_row *r;
	char left[128];
	size_t i;

	for (i = 0; cmd->usage[i] != NULL; i++)
		fprintf(out, "%s%s\n", i == 0 ? "usage: " : "       ",
		    cmd->usage[i]);
	if (cmd->about != NULL) {
		fputc('\n', out);
		wrap(out, cmd->about, 0, 0);
	}
	fputc('\n', out);
	for (s = cmd->subs; s != NULL && s->id != 0; s++) {
		if (s->summary == NULL)
			continue;
		snprintf(left, sizeof(left), "  %s", s->name);
		help_line(out, left, s->summary);
	}
	if (cmd->subs != NULL)
		fputc('\n', out);
	for (i = 0; (r = row_at(cmd, i)) != NULL; i++) {
		if (r->help == NULL)
			continue;
		snprintf(left, sizeof(left), "  %c%c%s%s%s%s%s",
		    r->letter != 0 ? '-' : ' ',
		    r->letter != 0 ? r->letter : ' ',
		    r->name == NULL ? "" : r->letter != 0 ? ", " : "  ",
		    r->name == NULL ? "" : "--", r->name == NULL ? "" : r->name,
		    r->arg != NULL ? " " : "", r->arg != NULL ? r->arg : "");
		help_line(out, left, r->help);
	}
}

void
opt_table(const struct opt_cmd *cmd, FILE *out)
{
	const struct opt_sub *s;
	const struct opt_row *r;
	size_t i;

	for (i = 0; (r = row_at(cmd, i)) != NULL; i++) {
		if (r->help == NULL)
			continue;
		if (r->letter != 0)
			fputc(r->letter, out);
		fprintf(out, "\t%s\t%s\t%s\n", r->name != NULL ? r->name : "",
		    r->arg != NULL ? r->arg : "", r->help);
	}
	for (s = cmd->subs; s != NULL && s->id != 0; s++) {
		if (s->summary == NULL)
			continue;
		fprintf(out, "%s\t%s\n", s->name, s->summary);
		opt_table(s->cmd, out);
	}
}

int
opt_answer(const struct opt_cmd *cmd, int id, const char *version, FILE *out)
{
	switch (id) {
	case OPT_HELP:
		opt_help(cmd, out);
		break;
	case OPT_VERSION:
		fprintf(out, "%s %s\n", cmd->name, version);
		break;
	case OPT_TABLE:
		opt_table(cmd, out);
		break;
	default:
		return 0;
	}
	return fflush(out) == 0 && !ferror(out) ? 1 : -1;
}

#define NEAR_MAX 32

/* Letters to insert, drop or replace to make b of a (Levenshtein). */
static size_t
distance(const char *a, const char *b)
{
	size_t row[NEAR_MAX + 1], la = strlen(a), lb = strlen(b);
	size_t i, j, diag, up, best;

	if (la > NEAR_MAX || lb > NEAR_MAX)
		return NEAR_MAX;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		diag = row[0];
		row[0] = i;
		for (j = 1; j <= lb; j++) {
			up = row[j];
			best = diag + (a[i - 1] != b[j - 1]);
			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diag = up;
		}
	}
	return row[lb];
}

const char *
opt_near(const char *word, const char *const *names, size_t n)
{
	const char *near = NULL;
	size_t i, d, len = strlen(word), best;

	/* A third of the word may be wrong, two letters of a short one. */
	best = len / 3 > 2 ? len / 3 : 2;
	for (i = 0; i < n; i++) {
		d = distance(word, names[i]);
		if (d < len && d <= best && (near == NULL || d < best)) {
			near = names[i];
			best = d;
		}
	}
	return near;
}

const struct opt_sub *
opt_sub(const struct opt_cmd *cmd, const char *name, struct err *e)
{
	const char *names[ROWS_MAX], *near;
	const struct opt_sub *s;
	struct buf b;
	size_t n = 0;

	for (s = cmd->subs; s->id != 0; s++) {
		if (strcmp(s->name, name) == 0)
			return s;
		if (s->summary != NULL && n < ROWS_MAX)
			names[n++] = s->name;
	}
	buf_init(&b, ERR_MSG_MAX);
	(void)esc_text(&b, name, strlen(name));
	near = opt_near(name, names, n);
	if (near != NULL)
		err_set(e, ERR_USAGE, "unknown command '%s'; did you mean "
		    "'%s'?", b.data, near);
	else
		err_set(e, ERR_USAGE, "unknown command '%s' (%s --help lists "
		    "them)", b.data, cmd->name);
	buf_clear(&b);
	return NULL;
}
