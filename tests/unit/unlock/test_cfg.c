/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "cfg.h"

struct file {
	const char *name;
	const char *text;
};

static int
load(void *arg, const char *name, struct buf *out, struct err *e)
{
	for (const struct file *f = arg; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return buf_adds(out, f->text);
	return err_set(e, ERR_SYS, "can't open %s: no such file", name);
}

static int
parse(const char *text, struct cfg *c, struct err *e)
{
	struct file files[] = { { "x.cfg", text }, { NULL, NULL } };

	memset(c, 0, sizeof(*c));
	return cfg_parse("x.cfg", "h1", load, files, c, e);
}

static void
assert_refused(const char *text, const char *msg)
{
	struct err e = ERR_INIT;
	struct cfg c;

	assert_int_equal(parse(text, &c, &e), -1);
	assert_string_equal(e.msg, msg);
	assert_int_equal(e.code, ERR_CONFIG);
	cfg_clear(&c);
}

static void
cfg_reads_each_statement(void **state)
{
	struct err e = ERR_INIT;
	struct cfg c;
	const struct cfg_group *g;

	(void)state;
	assert_int_equal(parse(
		"nossl a b; database db1; database db2;\n"
		"tempdir /t; tempdir /u; lock-timeout 5; ignore uid mod;\n"
		"group g {\n"
		"	host A@B (c d @ E);\n"
		"	include /x/ *.txt; exclude /x/y; compare /p /q;\n"
		"	key k; auto left;\n"
		"	backup-directory /b; backup-generations 7;\n"
		"	action { pattern /x/*; exec \"a b\" c; logfile /l;\n"
		"		do-local; }\n"
		"	action { do-local-only; }\n"
		"}\n"
		"prefix p { on H*: /one/; on *: /; }\n", &c, &e), 0);
	assert_string_equal(c.nossl[0].from, "a");
	assert_string_equal(c.nossl[0].to, "b");
	assert_string_equal(c.database, "db1");
	assert_string_equal(c.tempdir, "/u");
	assert_string_equal(c.lock_timeout, "5");
	assert_true(c.ignore_uid && c.ignore_mod && !c.ignore_gid);
	assert_int_equal(c.ngroups, 1);
	g = &c.groups[0];
	assert_string_equal(g->at.file, "x.cfg");
	assert_int_equal(g->at.line, 3);
	assert_int_equal(g->nhosts, 3);
	assert_string_equal(g->hosts[0].self, "a");
	assert_string_equal(g->hosts[0].peer, "b");
	assert_false(g->hosts[0].slave);
	assert_string_equal(g->hosts[1].peer, "c");
	assert_true(g->hosts[1].slave && g->hosts[2].slave);
	assert_string_equal(g->hosts[2].self, "d");
	assert_string_equal(g->hosts[2].peer, "e");
	assert_int_equal(g->npatterns, 5);
	assert_string_equal(g->patterns[0].text, "/x");
	assert_int_equal(g->patterns[2].kind, CFG_EXCLUDE);
	assert_int_equal(g->patterns[3].kind, CFG_INCLUDE);
	assert_int_equal(g->patterns[4].kind, CFG_COMPARE);
	assert_string_equal(g->key, "k");
	assert_int_equal(g->key_at.line, 6);
	assert_string_equal(g->autom, "left");
	assert_string_equal(g->backup_dir, "/b");
	assert_string_equal(g->backup_generations, "7");
	assert_int_equal(g->nactions, 2);
	assert_string_equal(g->actions[0].execs.v[0], "a b");
	assert_int_equal(g->actions[0].execs.n, 2);
	assert_string_equal(g->actions[0].logfile, "/l");
	assert_true(g->actions[0].do_local && !g->actions[0].do_local_only);
	assert_true(g->actions[1].do_local && g->actions[1].do_local_only);
	assert_null(g->actions[1].logfile);
	assert_string_equal(c.prefixes[0].on[0].host, "H*");
	assert_string_equal(c.prefixes[0].on[0].path, "/one");
	assert_string_equal(c.prefixes[0].on[1].path, "/");
	cfg_clear(&c);
}

static void
cfg_numbers_groups_without_a_name(void **state)
{
	struct err e = ERR_INIT;
	struct cfg c;

	(void)state;
	assert_int_equal(parse("group { key k; } group x { key k; } "
		"group { key k; }", &c, &e), 0);
	assert_string_equal(c.groups[0].name, "group_1");
	assert_string_equal(c.groups[2].name, "group_2");
	assert_string_equal(c.groups[0].autom, "none");
	cfg_clear(&c);
}

static void
cfg_refusals_say_where_and_what_was_expected(void **state)
{
	(void)state;
	assert_refused("\ngroup g{\nhost h1; }",
		"x.cfg:2: no { after the group's name 'g{': braces belong to "
		"words, put a space before it");
	assert_refused("group g\nhost h1; }",
		"x.cfg:2: 'host' where { after the group's name was expected"
		"; is a ; missing before it?");
	assert_refused("\ngroup g {\nkey k;",
		"x.cfg:3: the file ends where host, include, exclude, "
		"compare, key, auto, backup-directory, backup-generations, "
		"action or } was expected, inside the group that begins at "
		"x.cfg:2");
	assert_refused("group on { key k; }",
		"x.cfg:1: 'on' where the group's name or { was expected; it "
		"is a reserved word: put it in \"quotes\"");
	assert_refused("group g {\nkey k;\nkey l;\n}",
		"x.cfg:3: a second key for group 'g'; the first one is at "
		"x.cfg:2");
	assert_refused("group g {\nhost h1;\n}",
		"x.cfg:1: group 'g' has no key: each group needs one "
		"'key FILE;'");
	assert_refused("group g { key \"k;\n}",
		"x.cfg:1: the quote that begins here is never closed");
	assert_refused("prefix p { on h:/x; }",
		"x.cfg:1: no : after host 'h:/x': a space must follow it, as "
		"in 'on host: /path;'");
	assert_refused("prefix p { on h: x; }",
		"x.cfg:1: 'x' is not an absolute path, as prefixes must be");
	assert_refused("ignore foo;",
		"x.cfg:1: 'foo' where uid, gid, mod or ; was expected");
	assert_refused("nossl a b;;",
		"x.cfg:1: ';' where group, prefix, nossl, database, tempdir, "
		"ignore or lock-timeout was expected; one ; is enough, and "
		"none follows }");
	assert_refused("group g { auto newest; }",
		"x.cfg:1: auto 'newest' is none of none, first, younger, "
		"older, bigger, smaller, left, right");
	assert_refused("\x1b[2Jx",
		"x.cfg:1: '?[2Jx' where group, prefix, nossl, database, "
		"tempdir, ignore or lock-timeout was expected");
}

static void
cfg_names_the_quote_that_an_included_file_leaves_open(void **state)
{
	struct file files[] = {
		{ "x.cfg", "config a;\n;group \"g\" {" },
		{ "a", "\ngroup g { key \"k" }, { NULL, NULL } };
	struct err e = ERR_INIT;
	struct cfg c = { 0 };

	(void)state;
	assert_int_equal(cfg_parse("x.cfg", "h1", load, files, &c, &e), -1);
	assert_string_equal(e.msg, "x.cfg:2: 'group' where host, include, "
		"exclude, compare, key, auto, backup-directory, "
		"backup-generations, action or } was expected");
	cfg_clear(&c);
	memset(&c, 0, sizeof(c));
	files[0].text = "config a;\n; key \"x\";";
	assert_int_equal(cfg_parse("x.cfg", "h1", load, files, &c, &e), -1);
	assert_string_equal(e.msg, "x.cfg:2: a second key for group 'g'; the "
		"first one is at a:2");
	cfg_clear(&c);
	memset(&c, 0, sizeof(c));
	files[0].text = "config a;\n; exclude \"x\";";
	assert_int_equal(cfg_parse("x.cfg", "h1", load, files, &c, &e), -1);
	assert_string_equal(e.msg, "a:2: the quote that begins here is never "
		"closed");
	cfg_clear(&c);
}

static void
cfg_steps_into_included_files(void **state)
{
	struct file files[] = {
		{ "x.cfg", "config a b;\ngroup g {\nconfig c;\n}" },
		{ "a", "nossl * *;" }, { "b", "# nothing" },
		{ "c", "\nhost h1\n;key k;" }, { NULL, NULL } };
	struct err e = ERR_INIT;
	struct cfg c = { 0 };

	(void)state;
	assert_int_equal(cfg_parse("x.cfg", "h1", load, files, &c, &e), 0);
	assert_int_equal(c.files.n, 4);
	assert_string_equal(c.files.v[3], "c");
	assert_string_equal(c.groups[0].hosts[0].at.file, "c");
	assert_int_equal(c.groups[0].hosts[0].at.line, 2);
	assert_string_equal(c.groups[0].at.file, "x.cfg");
	assert_int_equal(c.groups[0].at.line, 2);
	cfg_clear(&c);
}

static void
cfg_stops_a_file_that_includes_itself(void **state)
{
	(void)state;
	assert_refused("config x.cfg;", "x.cfg:1: files are included more "
		"than 10 deep (csync2's limit); is a file including itself?");
}

static void
cfg_stops_files_that_include_without_end(void **state)
{
	struct file files[] = { { "x.cfg", NULL }, { "y", "" },
		{ NULL, NULL } };
	struct err e = ERR_INIT;
	struct cfg c = { 0 };
	char *all = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&all, &len);

	(void)state;
	assert_non_null(f);
	fputs("config", f);
	for (int i = 0; i < 5000; i++)
		fputs(" y", f);
	fclose(f);
	files[0].text = all;
	assert_int_equal(cfg_parse("x.cfg", "h1", load, files, &c, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.msg, "more than 4096 files"));
	cfg_clear(&c);
	free(all);
}

static void
cfg_names_the_place_of_a_missing_file(void **state)
{
	struct file files[] = { { "x.cfg", "\nconfig\tno;" },
		{ NULL, NULL } };
	struct err e = ERR_INIT;
	struct cfg c = { 0 };

	(void)state;
	assert_int_equal(cfg_parse("x.cfg", "h1", load, files, &c, &e), -1);
	assert_int_equal(strncmp(e.msg, "x.cfg:2: ", 9), 0);
	assert_non_null(strstr(e.msg, "can't open no"));
	cfg_clear(&c);
}

static void
cfg_load_file_refuses_more_than_its_cap(void **state)
{
	char name[] = "/tmp/test_cfg_XXXXXX";
	int fd = mkstemp(name);
	struct err e = ERR_INIT;
	struct buf b;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 5000), 0);
	buf_init(&b, 5000);
	assert_int_equal(cfg_load_file(NULL, name, &b, &e), 0);
	assert_int_equal(b.len, 5000);
	buf_clear(&b);
	buf_init(&b, 4999);
	assert_int_equal(cfg_load_file(NULL, name, &b, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	buf_clear(&b);
	unlink(name);
	assert_int_equal(cfg_load_file(NULL, name, &b, &e), -1);
	assert_int_equal(e.code, ERR_SYS);
	close(fd);
}

static void
assert_path(const char *sysdir, const char *cname,
	const char *file, const char *want)
{
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, 100);
	assert_int_equal(cfg_path(sysdir, cname, file, &b, &e),
		want == NULL ? -1 : 0);
	if (want != NULL)
		assert_string_equal(b.data, want);
	else
		assert_int_equal(e.code, ERR_USAGE);
	buf_clear(&b);
}

static void
cfg_path_follows_csync2s_names(void **state)
{
	(void)state;
	assert_path(NULL, NULL, NULL, "/etc/csync2.cfg");
	assert_path("/s", NULL, NULL, "/s/csync2.cfg");
	assert_path("/s", "priv1", NULL, "/s/csync2_priv1.cfg");
	assert_path("/s", "priv", "/f", "/f");
	assert_path("/s", "", NULL, "/s/csync2.cfg");
	assert_path("/s", "Priv", NULL, NULL);
	assert_path("/s", "../x", NULL, NULL);
	assert_path("/s", "a_b", NULL, NULL);
}

static void
cfg_looks_up_groups_hosts_and_keys(void **state)
{
	const struct cfg_group *g;
	struct err e = ERR_INIT;
	struct cfg c;
	struct buf b;
	size_t i = 0;

	(void)state;
	assert_int_equal(parse("group g { host h1@one (h1@two); key k; } "
		"group x { key k; } group g { key /k; }", &c, &e), 0);
	g = cfg_group(&c, "g", &i);
	assert_ptr_equal(g, &c.groups[0]);
	assert_string_equal(cfg_self(g, "h1")->peer, "two");
	assert_true(cfg_self(g, "h1")->slave);
	assert_null(cfg_self(g, "one"));
	buf_init(&b, 100);
	assert_int_equal(cfg_key_path(g, "/s", &b, &e), 0);
	assert_string_equal(b.data, "/s/k");
	buf_clear(&b);
	g = cfg_group(&c, "g", &i);
	assert_ptr_equal(g, &c.groups[2]);
	assert_int_equal(cfg_key_path(g, "/s", &b, &e), 0);
	assert_string_equal(b.data, "/k");
	buf_clear(&b);
	assert_null(cfg_group(&c, "g", &i));
	cfg_clear(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cfg_reads_each_statement),
		cmocka_unit_test(cfg_numbers_groups_without_a_name),
		cmocka_unit_test(cfg_refusals_say_where_and_what_was_expected),
		cmocka_unit_test(
			cfg_names_the_quote_that_an_included_file_leaves_open),
		cmocka_unit_test(cfg_steps_into_included_files),
		cmocka_unit_test(cfg_stops_a_file_that_includes_itself),
		cmocka_unit_test(cfg_stops_files_that_include_without_end),
		cmocka_unit_test(cfg_names_the_place_of_a_missing_file),
		cmocka_unit_test(cfg_load_file_refuses_more_than_its_cap),
		cmocka_unit_test(cfg_path_follows_csync2s_names),
		cmocka_unit_test(cfg_looks_up_groups_hosts_and_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
