/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "allow.h"
#include "backup.h"
#include "failmalloc.h"
#include "opts_table.h"

static struct backup_opts o;
static struct err e;

#define CLIENT_CONF "[job a]\ndestination = h\nroot = /\n"
#define STORE_CONF "[store]\ndir = /srv/b\n"

/* line is cut at blanks. */
static int
parse(const char *line, const char *conf)
{
	static char words[512];
	char *argv[32] = { "postern-backup" }, *save = NULL, *w;
	int argc = 1;

	snprintf(words, sizeof(words), "%s", line);
	for (w = strtok_r(words, " ", &save); w != NULL;
	    w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	opts_clear(&o);
	e = (struct err)ERR_INIT;
	return opts_text(argc, argv, conf, &o, &e);
}

static void
refuses(const char *line, const char *conf, enum err_code code,
	const char *message)
{
	assert_int_equal(parse(line, conf), -1);
	assert_err(&e, code, message);
}

static int
clear(void **state)
{
	(void)state;
	opts_clear(&o);
	return 0;
}

static void
opts_takes_each_commands_options(void **state)
{
	(void)state;
	assert_int_equal(parse("run -v --mode direct --bandwidth 1M a "
	    "--timeout 1h -o A=b -o C=d", CLIENT_CONF), 0);
	assert_int_equal(o.cmd, BACKUP_RUN);
	assert_string_equal(o.name, "run");
	assert_true(o.verbose);
	assert_string_equal(o.mode, "direct");
	assert_int_equal(o.bandwidth, 1 << 20);
	assert_int_equal(o.timeout_ms, 3600000);
	assert_int_equal(o.ssh_options.n, 2);
	assert_int_equal(o.args.n, 1);
	assert_string_equal(o.args.v[0], "a");
	assert_int_equal(parse("accept --client web1 --key - --allow "
	    "run,restore --quota 0", STORE_CONF), 0);
	assert_int_equal(o.allow, ALLOW_RUN | ALLOW_RESTORE);
	assert_true(o.quota_set);
	assert_string_equal(o.store, "/srv/b");
	assert_int_equal(parse("restore --to /x -- s -p", CLIENT_CONF), 0);
	assert_string_equal(o.args.v[1], "-p");
	assert_int_equal(parse("usage", CLIENT_CONF), 0);
	assert_int_equal(o.lines, 30);
}

static void
opts_refuses_what_a_command_does_not_know(void **state)
{
	(void)state;
	refuses("", NULL, ERR_USAGE, "which command?");
	refuses("rum", NULL, ERR_USAGE, "did you mean 'run'?");
	refuses("run --to /x", CLIENT_CONF, ERR_USAGE, "'--to'");
	refuses("--json run", CLIENT_CONF, ERR_USAGE, "'--json'");
	refuses("run --mode x", CLIENT_CONF, ERR_USAGE, "--mode: channel");
	refuses("run --timeout 0", CLIENT_CONF, ERR_USAGE, "more than 0");
	refuses("list --client ../x", NULL, ERR_USAGE, "--client: a name");
	refuses("list --store x", NULL, ERR_USAGE, "--store: not an abs");
	refuses("verify --sample 101", CLIENT_CONF, ERR_USAGE, "--sample");
	refuses("find --exact --prefix /x", CLIENT_CONF, ERR_USAGE,
	    "either --exact");
	refuses("accept --client a --key k --allow all", STORE_CONF,
	    ERR_USAGE, "--allow: what is allowed");
}

static void
opts_counts_operands(void **state)
{
	(void)state;
	refuses("setup", NULL, ERR_USAGE, "setup: an operand is missing "
	    "(postern backup setup");
	refuses("cat a", CLIENT_CONF, ERR_USAGE, "another operand is missing");
	refuses("setup a b", NULL, ERR_USAGE, "too many operands");
	refuses("accept --client a --key k x", STORE_CONF, ERR_USAGE,
	    "accept takes no operands");
	refuses("accept --key k", STORE_CONF, ERR_USAGE, "--client NAME");
	refuses("accept --client a", STORE_CONF, ERR_USAGE, "which key?");
	refuses("accept --client a --remove --quota 1", STORE_CONF, ERR_USAGE,
	    "--remove goes with");
	assert_int_equal(parse("accept --client a --remove", STORE_CONF), 0);
	assert_int_equal(parse("diff a b", STORE_CONF), 0);
}

static void
opts_knows_whose_side_it_is_on(void **state)
{
	(void)state;
	assert_int_equal(parse("list", CLIENT_CONF), 0);
	assert_int_equal(o.side, SIDE_CLIENT);
	assert_null(o.store);
	assert_int_equal(parse("list", STORE_CONF), 0);
	assert_int_equal(o.side, SIDE_STORE);
	assert_string_equal(o.store, "/srv/b");
	assert_int_equal(parse("list", CLIENT_CONF STORE_CONF), 0);
	assert_int_equal(o.side, SIDE_CLIENT);
	assert_int_equal(parse("list --client x", CLIENT_CONF STORE_CONF), 0);
	assert_int_equal(o.side, SIDE_STORE);
	assert_int_equal(parse("list --store /x", CLIENT_CONF), 0);
	assert_string_equal(o.store, "/x");
	assert_int_equal(parse("status", CLIENT_CONF STORE_CONF), 0);
	assert_int_equal(o.side, SIDE_STORE);
	assert_int_equal(parse("run", CLIENT_CONF STORE_CONF), 0);
	assert_int_equal(o.side, SIDE_CLIENT);
	refuses("status", CLIENT_CONF, ERR_CONFIG, "where is the store?");
	refuses("list --store /x --job a", CLIENT_CONF, ERR_USAGE,
	    "--job is for the machine");
	assert_int_equal(parse("explain", NULL), 0);
}

static void
opts_says_what_is_wrong_with_the_file(void **state)
{
	(void)state;
	refuses("run", "[job a]\nroot = x\n", ERR_CONFIG,
	    "backup.conf:2: root: not an absolute path");
}

/* Who is asked over its stdio asks nobody. */
static void
opts_needs_no_destination_for_a_pull(void **state)
{
	(void)state;
	assert_int_equal(parse("run", "[job a]\nroot = /x\n"), 0);
	assert_null(opts_job(&o, NULL, &e));
	assert_err(&e, ERR_CONFIG, "[job a] has no destination");
	assert_int_equal(parse("run --stdio", "[job a]\nroot = /x\n"), 0);
	assert_non_null(opts_job(&o, NULL, &e));
	assert_string_equal(o.conf.jobs[0].destination, "the store");
}

/* A letter or name twice in one table would hide the second. */
static void
opts_tables_are_complete_and_without_doubles(void **state)
{
	const struct opt_sub *s;
	const struct opt_row *r, *q;
	const struct opts_command *c;
	int i, n = 0;

	(void)state;
	for (i = 1; i < O_END; i++) {
		assert_non_null(opts_place(i));
		if (opts_place(i)->name == NULL)
			fail_msg("option %d has no place", i);
	}
	assert_null(opts_place(0));
	assert_null(opts_place(O_END));
	for (s = opts_top()->subs; s->id != 0; s++, n++) {
		c = opts_command((enum backup_cmd)s->id);
		assert_non_null(c);
		assert_ptr_equal(c->cmd, s->cmd);
		assert_int_equal(strncmp(s->cmd->name, "postern backup ", 15),
		    0);
		assert_string_equal(s->cmd->name + 15, s->name);
		for (r = s->cmd->rows; r->id != 0; r++) {
			assert_string_equal(r->name,
			    opts_place(r->id)->name);
			assert_int_equal(r->arg == NULL,
			    opts_place(r->id)->kind == OPTS_FLAG);
			for (q = s->cmd->rows; q < r; q++)
				if (q->id == r->id || (q->letter != 0 &&
				    q->letter == r->letter))
					fail_msg("%s: %s", s->name, r->name);
		}
	}
	assert_int_equal(n, BACKUP_STATUS);
}

static void
opts_says_when_memory_is_out_wherever_that_is(void **state)
{
	unsigned long n;
	int rc;

	(void)state;
	for (n = 1;; n++) {
		opts_clear(&o);
		failmalloc_arm(n);
		rc = parse("accept --client a --key k --store /x --allow run "
		    "-q", STORE_CONF);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opts_takes_each_commands_options),
		cmocka_unit_test(opts_refuses_what_a_command_does_not_know),
		cmocka_unit_test(opts_counts_operands),
		cmocka_unit_test(opts_knows_whose_side_it_is_on),
		cmocka_unit_test(opts_says_what_is_wrong_with_the_file),
		cmocka_unit_test(opts_needs_no_destination_for_a_pull),
		cmocka_unit_test(opts_tables_are_complete_and_without_doubles),
		cmocka_unit_test(opts_says_when_memory_is_out_wherever_that_is),
	};

	return cmocka_run_group_tests(tests, NULL, clear);
}
