/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "ui/opt.h"

enum { CONFIG = 1, QUIET, HOST, JSON, ALIAS };

static const struct opt_row rows[] = {
	{ 'c', "config", "FILE", "read FILE", CONFIG },
	{ 'q', NULL, NULL, "say less", QUIET },
	{ 'H', "host", "NAME", "only this host; may be given more than once "
	    "and takes a name as csync2 knows it, however long that is", HOST },
	{ 0, "json", NULL, "one object a line", JSON },
	{ 0, "jason", NULL, NULL, ALIAS },
	{ 0 },
};
static const char *const usage[] = { "postern x [-q] GROUP ...",
	"postern x --check", NULL };
static const struct opt_cmd cmd = { "postern x", usage, "About it.", rows };

static struct buf seen;
static struct err e;
static int first, dashes, argc;
static char *argv[16];

static int
set(void *arg, int id, const char *value, struct err *err)
{
	(void)arg;
	if (value != NULL && strcmp(value, "bad") == 0)
		return err_set(err, ERR_USAGE, "bad value");
	return buf_addf(&seen, "%d=%s ", id, value != NULL ? value : "");
}

/* Splits line at blanks, parses it; what set() got is in seen, the operands
 * and the words after "--" are appended to it. */
static int
parse(char *line, int stop)
{
	char *word, *save = NULL;
	int i, rc;

	buf_clear(&seen);
	buf_init(&seen, 4096);
	memset(&e, 0, sizeof(e));
	argc = 0;
	argv[argc++] = line;
	for (word = strtok_r(line, " ", &save); word != NULL;
	    word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	memmove(argv, argv + 1, sizeof(argv) - sizeof(argv[0]));
	argv[--argc] = NULL;
	rc = opt_parse(&cmd, argc, argv, stop, set, NULL, &first, &dashes, &e);
	if (rc == -1)
		return -1;
	for (i = first; i < argc; i++)
		buf_addf(&seen, "%s%s", i == dashes ? "| " : "", argv[i]),
		    buf_addc(&seen, ' ');
	return 0;
}

#define PARSE(text, stop) parse((char[]){ text }, stop)

static void
opt_mixes_options_and_operands(void **state)
{
	(void)state;
	assert_int_equal(PARSE("x a -c F b --host=h1 -qH h2 c --json", 0), 0);
	assert_string_equal(seen.data, "1=F 3=h1 2= 3=h2 4= a b c ");
	assert_int_equal(dashes, argc);
}

static void
opt_dashes_end_the_options_and_split_the_operands(void **state)
{
	(void)state;
	assert_int_equal(PARSE("x a -q b -- csync2 -xv -- y", 0), 0);
	assert_string_equal(seen.data, "2= a b | csync2 -xv -- y ");
	assert_int_equal(PARSE("x -- -q", 0), 0);
	assert_string_equal(seen.data, "| -q ");
	assert_int_equal(PARSE("x a --", 0), 0);
	assert_string_equal(seen.data, "a ");
	assert_int_equal(dashes, argc);
}

static void
opt_dashes_as_a_value_are_a_value(void **state)
{
	(void)state;
	assert_int_equal(PARSE("x a -c --", 0), 0);
	assert_string_equal(seen.data, "1=-- a ");
	assert_int_equal(dashes, argc);
	assert_int_equal(PARSE("x -c -- a -- b", 0), 0);
	assert_string_equal(seen.data, "1=-- a | b ");
}

static void
opt_stops_at_the_first_operand_when_told(void **state)
{
	(void)state;
	assert_int_equal(PARSE("x -q a -q -- b", 1), 0);
	assert_string_equal(seen.data, "2= a -q -- b ");
	assert_int_equal(first, 2);
	assert_int_equal(dashes, argc);
	assert_int_equal(PARSE("x -q -- a -- b", 1), 0);
	assert_string_equal(seen.data, "2= | a -- b ");
}

static void
opt_copes_with_no_words_at_all(void **state)
{
	(void)state;
	assert_int_equal(PARSE("x", 0), 0);
	assert_string_equal(seen.data, "");
	assert_int_equal(first, 1);
	assert_int_equal(dashes, 1);
}

static void
refuses(char *line, const char *message)
{
	first = dashes = -7;
	assert_int_equal(parse(line, 0), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.msg, message);
	assert_int_equal(first, -7);
	assert_int_equal(dashes, -7);
}
#define REFUSES(line, message) refuses((char[]){ line }, message)

static void
opt_says_what_is_wrong(void **state)
{
	(void)state;
	REFUSES("x -qZ", "unknown option '-Z' (postern x --help lists them)");
	REFUSES("x -q\033", "unknown option '-\\x1b' (postern x --help lists "
	    "them)");
	REFUSES("x a --hots=1", "unknown or ambiguous option '--hots'; did you "
	    "mean '--host'?");
	REFUSES("x --zzzzzzzzz", "unknown or ambiguous option '--zzzzzzzzz' "
	    "(postern x --help lists them)");
	REFUSES("x --config", "option '--config' needs a value: FILE");
	REFUSES("x -qc", "option '-c' needs a value: FILE");
	REFUSES("x --json=1", "option '--json' takes no value");
	REFUSES("x -c bad --json", "bad value");
}

static void
opt_passes_help_version_and_table_to_the_caller(void **state)
{
	(void)state;
	assert_int_equal(PARSE("x --help --version --opt-table --jason", 0), 0);
	assert_string_equal(seen.data, "-1= -2= -3= 5= ");
}

static char *
answer(int id, int want)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_int_equal(opt_answer(&cmd, id, "1.2", f), want);
	fclose(f);
	return text;
}

static void
opt_help_is_wrapped_for_80_columns(void **state)
{
	char *text = answer(OPT_HELP, 1), *p, *nl;

	(void)state;
	assert_memory_equal(text, "usage: postern x [-q] GROUP ...\n"
	    "       postern x --check\n\nAbout it.\n\n"
	    "  -c, --config FILE         read FILE\n"
	    "  -q                        say less\n", 137);
	assert_non_null(strstr(text, "      --json                one object"));
	assert_non_null(strstr(text, "--version"));
	assert_null(strstr(text, "jason"));
	assert_null(strstr(text, "opt-table"));
	for (p = text; (nl = strchr(p, '\n')) != NULL; p = nl + 1) {
		assert_in_range(nl - p, 0, 79);
		assert_false(nl > p && nl[-1] == ' ');
	}
	assert_int_equal(*p, '\0');
	free(text);
}

static void
opt_table_has_four_columns_a_row(void **state)
{
	char *text = answer(OPT_TABLE, 1);

	(void)state;
	assert_memory_equal(text, "c\tconfig\tFILE\tread FILE\n"
	    "q\t\t\tsay less\nH\thost\tNAME\t", 49);
	assert_non_null(strstr(text, "\n\tversion\t\tshow the version\n"));
	assert_null(strstr(text, "jason"));
	free(text);
	text = answer(OPT_VERSION, 1);
	assert_string_equal(text, "postern x 1.2\n");
	free(text);
	text = answer(JSON, 0);
	assert_string_equal(text, "");
	free(text);
}

static void
opt_answer_notices_a_full_disk(void **state)
{
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(f);
	assert_int_equal(opt_answer(&cmd, OPT_HELP, "1", f), -1);
	fclose(f);
}

static void
opt_near_finds_what_was_meant(void **state)
{
	const char *names[] = { "unlock", "backup", "git", "mount" };

	(void)state;
	assert_string_equal(opt_near("unlok", names, 4), "unlock");
	assert_string_equal(opt_near("bakcup", names, 4), "backup");
	assert_string_equal(opt_near("gti", names, 4), "git");
	assert_null(opt_near("x", names, 4));
	assert_null(opt_near("", names, 4));
	assert_null(opt_near("something", names, 4));
	assert_null(opt_near("unlockunlockunlockunlockunlockunlock", names, 4));
}

static const struct opt_row sub_rows[] = {
	{ 0, "to", "DIR", "where", HOST }, { 0 } };
static const char *const sub_usage[] = { "postern x undo [--to DIR]", NULL };
static const struct opt_cmd sub_cmd = { "postern x undo", sub_usage, NULL,
	sub_rows };
static const struct opt_sub subs[] = {
	{ "undo", "bring it back", &sub_cmd, 1 },
	{ "gate", NULL, &sub_cmd, 2 },
	{ 0 },
};
static const struct opt_cmd with_subs = { .name = "postern x",
	.usage = usage, .rows = rows, .subs = subs };

static void
opt_finds_a_command_of_its_own(void **state)
{
	(void)state;
	memset(&e, 0, sizeof(e));
	assert_int_equal(opt_sub(&with_subs, "undo", &e)->id, 1);
	assert_int_equal(opt_sub(&with_subs, "gate", &e)->id, 2);
	assert_null(opt_sub(&with_subs, "undp", &e));
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.msg, "unknown command 'undp'; did you mean "
	    "'undo'?");
	assert_null(opt_sub(&with_subs, "gat\033", &e));
	assert_string_equal(e.msg, "unknown command 'gat\\x1b' (postern x "
	    "--help lists them)");
}

static void
opt_shows_commands_in_help_and_table(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	opt_help(&with_subs, f);
	fflush(f);
	assert_non_null(strstr(text, "\n\n  undo                      "
	    "bring it back\n\n  -c, --config FILE"));
	assert_null(strstr(text, "gate"));
	fclose(f);
	free(text);
	f = open_memstream(&text, &len);
	opt_table(&with_subs, f);
	fflush(f);
	assert_non_null(strstr(text, "\n\tversion\t\tshow the version\n"
	    "undo\tbring it back\n\tto\tDIR\twhere\n\thelp\t"));
	assert_null(strstr(text, "gate"));
	fclose(f);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opt_finds_a_command_of_its_own),
		cmocka_unit_test(opt_shows_commands_in_help_and_table),
		cmocka_unit_test(opt_mixes_options_and_operands),
		cmocka_unit_test(
		    opt_dashes_end_the_options_and_split_the_operands),
		cmocka_unit_test(opt_dashes_as_a_value_are_a_value),
		cmocka_unit_test(opt_stops_at_the_first_operand_when_told),
		cmocka_unit_test(opt_copes_with_no_words_at_all),
		cmocka_unit_test(opt_says_what_is_wrong),
		cmocka_unit_test(
		    opt_passes_help_version_and_table_to_the_caller),
		cmocka_unit_test(opt_help_is_wrapped_for_80_columns),
		cmocka_unit_test(opt_table_has_four_columns_a_row),
		cmocka_unit_test(opt_answer_notices_a_full_disk),
		cmocka_unit_test(opt_near_finds_what_was_meant),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	buf_clear(&seen);
	return rc;
}
