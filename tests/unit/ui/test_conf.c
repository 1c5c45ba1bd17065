/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ui/conf.h"

static const struct conf_key keys[] = {
	{ "", "user", 1 },
	{ "", "host", 2, true },
	{ "map", "*", 3 },
	{ "*", "jobs", 4 },
	{ 0 },
};

static struct buf seen;
static struct err e;

static int
take(void *arg, int id, const char *section, const char *key,
	const char *value, const char *at, struct err *err)
{
	(void)arg;
	if (strcmp(value, "refused") == 0)
		return err_set(err, ERR_USAGE, "%s: no", at);
	return buf_addf(&seen, "%d:%s.%s=%s@%s\n", id, section, key, value, at);
}

static int
parse_n(const char *text, size_t len)
{
	buf_clear(&seen);
	buf_init(&seen, 1 << 20);
	memset(&e, 0, sizeof(e));
	return conf_parse(text, len, "f", keys, take, NULL, &e);
}

static int
parse(const char *text)
{
	return parse_n(text, strlen(text));
}

static void
refuses(const char *text, const char *message)
{
	assert_int_equal(parse(text), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_string_equal(e.msg, message);
}

static void
conf_reads_keys_and_sections_with_their_lines(void **state)
{
	(void)state;
	assert_int_equal(parse("# c\n; d\n\nuser = root  \nhost=a b\n"
	    "host = \n[map]\nweb1\t= root@10.0.0.1 # x\njobs = 1\n[other]\n"
	    "jobs=x;y=z"), 0);
	assert_string_equal(seen.data, "1:.user=root@f:4\n2:.host=a b@f:5\n"
	    "2:.host=@f:6\n3:map.web1=root@10.0.0.1 # x@f:8\n"
	    "3:map.jobs=1@f:9\n4:other.jobs=x;y=z@f:11\n");
}

static void
conf_accepts_an_empty_file(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(parse("\n \n\t\n"), 0);
	assert_string_equal(seen.data, "");
}

static void
conf_rejects_what_the_table_does_not_know(void **state)
{
	static const struct conf_key few[] = { { "", "user", 1 },
		{ "map", "*", 3 }, { 0 } };

	(void)state;
	refuses("user = a\nusr = a\n", "f:2: unknown key 'usr'");
	refuses("[map]\nuser = a\n\n[x]\nuser = b\n",
	    "f:5: unknown key 'user'");
	assert_int_equal(conf_parse("[mop]", 5, "f", few, take, NULL, &e), -1);
	assert_string_equal(e.msg, "f:1: unknown section 'mop'");
}

static void
conf_takes_sections_that_have_a_name(void **state)
{
	static const struct conf_key named[] = { { "job *", "root", 1 },
		{ "job", "x", 2 }, { 0 } };
	static const char *const bad[] = { "[job ]", "[jobs a]", "[job a b]",
		"[job\ta]", "[JOB a]", "[ job a]" };
	const char *good = "[job a]\nroot = 1\n[job b]\nroot = 2\n"
	    "[job]\nx = 3\n";
	size_t i;

	(void)state;
	buf_clear(&seen);
	buf_init(&seen, 1 << 20);
	assert_int_equal(conf_parse(good, strlen(good), "f", named, take,
	    NULL, &e), 0);
	assert_string_equal(seen.data, "1:job a.root=1@f:2\n"
	    "1:job b.root=2@f:4\n2:job.x=3@f:6\n");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (conf_parse(bad[i], strlen(bad[i]), "f", named, take, NULL,
		    &e) == 0)
			fail_msg("%s", bad[i]);
	good = "[job a]\nroot = 1\n[job b]\n[job a]\nroot = 2\n";
	assert_int_equal(conf_parse(good, strlen(good), "f", named, take,
	    NULL, &e), -1);
	assert_string_equal(e.msg, "f:5: set a second time: key 'root'");
}

static void
conf_hands_over_a_section_that_has_a_row_of_its_own(void **state)
{
	static const struct conf_key named[] = {
		{ "job *", "", 1, true },
		{ "job *", "a", 2 },
		{ 0 },
	};
	static const char text[] = "[job x]\n[job y]\na = 1\n[job x]\n";

	(void)state;
	buf_clear(&seen);
	buf_init(&seen, 4096);
	memset(&e, 0, sizeof(e));
	assert_int_equal(conf_parse(text, strlen(text), "f", named, take, NULL,
	    &e), 0);
	assert_string_equal(seen.data, "1:job x.=@f:1\n1:job y.=@f:2\n"
	    "2:job y.a=1@f:3\n1:job x.=@f:4\n");
}

static void
conf_rejects_a_key_that_is_set_twice(void **state)
{
	(void)state;
	refuses("user = a\nhost = b\nuser = c\n",
	    "f:3: set a second time: key 'user'");
	refuses("[map]\na = 1\n[other]\njobs = 1\n[map]\na = 2\n",
	    "f:6: set a second time: key 'a'");
	assert_int_equal(parse("[map]\na = 1\nA = 1\n[x]\njobs=1\n[y]\njobs=1"),
	    0);
}

static void
conf_rejects_what_inih_would_pass_over(void **state)
{
	(void)state;
	refuses("user = a\n b\n", "f:2: no line continues another; indented: "
	    "'b'");
	refuses("user = a ; b\n", "f:1: a comment needs its own line; ' ;' in "
	    "'user = a ; b'");
	refuses("user =\t;b\n", "f:1: a comment needs its own line; ' ;' in "
	    "'user =\\x09;b'");
	refuses("[map] x\n", "f:1: a comment needs its own line; after ']' "
	    "stands ' x'");
	refuses("[map\n", "f:1: no ']' in '[map'");
	refuses("[]\n", "f:1: a section name has 1 to 49 bytes, not '[]'");
	refuses("[ map]\n", "f:1: blanks inside the brackets of '[ map]'");
	refuses("user: a\n", "f:1: '=' stands between key and value, not ':', "
	    "in 'user: a'");
	refuses("user\n", "f:1: neither 'key = value' nor '[section]': 'user'");
	refuses(" = a\n", "f:1: no line continues another; indented: '= a'");
	refuses("= a\n", "f:1: a key has 1 to 49 bytes, not in '= a'");
	refuses("user = a\r\n", "f:1: a carriage return (DOS line ends?)");
	refuses("# \033[2J\n", "f:1: a control character");
	refuses("\xef\xbb\xbfuser = a\n", "f:1: a byte order mark");
	assert_int_equal(parse_n("user = a\0b\n", 11), -1);
	assert_string_equal(e.msg, "f:1: a NUL byte");
}

static void
conf_takes_lines_of_197_bytes_whole_and_none_longer(void **state)
{
	char line[256];

	(void)state;
	memset(line, 'v', sizeof(line));
	memcpy(line, "user = ", 7);
	line[197] = '\n';
	line[198] = '\0';
	assert_int_equal(parse(line), 0);
	assert_int_equal(strspn(seen.data + 8, "v"), 190);
	line[197] = 'v';
	line[198] = '\n';
	line[199] = '\0';
	refuses(line, "f:1: the line is longer than 197 bytes");
	line[0] = '#';
	refuses(line, "f:1: the line is longer than 197 bytes");
}

static void
conf_limits_names_to_what_inih_keeps(void **state)
{
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "[map]\n%049d = 1\n", 0);
	assert_int_equal(parse(text), 0);
	snprintf(text, sizeof(text), "[map]\n%050d = 1\n", 0);
	assert_int_equal(parse(text), -1);
	snprintf(text, sizeof(text), "[%049d]\njobs = 1\n", 0);
	assert_int_equal(parse(text), 0);
	assert_non_null(strstr(seen.data, "0.jobs=1"));
	snprintf(text, sizeof(text), "[%050d]\njobs = 1\n", 0);
	assert_int_equal(parse(text), -1);
}

static void
conf_stops_at_the_first_error(void **state)
{
	(void)state;
	assert_int_equal(parse("user = refused\nbad\nhost = b\n"), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.msg, "f:1: no");
	assert_string_equal(seen.data, "");
	refuses("host = a\nbad\nhost = b\nworse\n", "f:2: neither "
	    "'key = value' nor '[section]': 'bad'");
	assert_string_equal(seen.data, "2:.host=a@f:1\n");
}

static char folder[] = "/tmp/postern-conf-XXXXXX";
static char conf_dir[64], conf_file[128];

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(conf_dir, sizeof(conf_dir), "%s/postern", folder);
	snprintf(conf_file, sizeof(conf_file), "%s/x-test.conf", conf_dir);
	return mkdir(conf_dir, 0755);
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(conf_file);
	rmdir(conf_dir);
	return rmdir(folder);
}

static void
write_file(const char *text, mode_t mode)
{
	int fd = open(conf_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
conf_find_takes_the_first_that_exists(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(conf_find("x-test", "/given", &out, &e), 0);
	assert_string_equal(out.data, "/given");
	buf_clear(&out);
	setenv("XDG_CONFIG_HOME", folder, 1);
	assert_int_equal(conf_find("x-test", NULL, &out, &e), 0);
	assert_string_equal(out.data, "");
	write_file("", 0644);
	assert_int_equal(conf_find("x-test", NULL, &out, &e), 0);
	assert_string_equal(out.data, conf_file);
	buf_clear(&out);
	/* A relative one is ignored, and so is what HOME doesn't have. */
	setenv("XDG_CONFIG_HOME", "tmp", 1);
	setenv("HOME", folder, 1);
	assert_int_equal(conf_find("x-test", NULL, &out, &e), 0);
	assert_string_equal(out.data, "");
	out.max = 3;
	assert_int_equal(conf_find("x-test", "/given", &out, &e), -1);
	assert_int_equal(e.code, ERR_MEM);
	unlink(conf_file);
	buf_clear(&out);
}

static int
load(const char *path)
{
	buf_clear(&seen);
	memset(&e, 0, sizeof(e));
	return conf_load("x-test", path, keys, take, NULL, &e);
}

static void
conf_load_refuses_a_file_that_others_may_write(void **state)
{
	(void)state;
	setenv("XDG_CONFIG_HOME", folder, 1);
	write_file("user = a\n", 0644);
	assert_int_equal(load(NULL), 0);
	assert_non_null(strstr(seen.data, "x-test.conf:1\n"));
	write_file("user = a\n", 0664);
	assert_int_equal(load(NULL), -1);
	assert_int_equal(e.code, ERR_UNSAFE);
	write_file("user = a\n", 0646);
	assert_int_equal(load(NULL), -1);
	if (geteuid() == 0) {
		write_file("user = a\n", 0600);
		assert_int_equal(chown(conf_file, 1, 1), 0);
		assert_int_equal(load(NULL), -1);
		assert_int_equal(e.code, ERR_UNSAFE);
		unlink(conf_file);
	}
	assert_string_equal(seen.data, "");
	unlink(conf_file);
}

static void
conf_load_misses_only_a_file_that_was_named(void **state)
{
	(void)state;
	setenv("XDG_CONFIG_HOME", folder, 1);
	assert_int_equal(load(NULL), 0);
	assert_int_equal(load(conf_file), -1);
	assert_int_equal(e.code, ERR_SYS);
	assert_int_equal(load(folder), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	/* A FIFO without a writer must not hang us. */
	assert_int_equal(mkfifo(conf_file, 0600), 0);
	assert_int_equal(load(conf_file), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	unlink(conf_file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conf_reads_keys_and_sections_with_their_lines),
		cmocka_unit_test(conf_accepts_an_empty_file),
		cmocka_unit_test(conf_rejects_what_the_table_does_not_know),
		cmocka_unit_test(conf_takes_sections_that_have_a_name),
		cmocka_unit_test(
		    conf_hands_over_a_section_that_has_a_row_of_its_own),
		cmocka_unit_test(conf_rejects_a_key_that_is_set_twice),
		cmocka_unit_test(conf_rejects_what_inih_would_pass_over),
		cmocka_unit_test(
		    conf_takes_lines_of_197_bytes_whole_and_none_longer),
		cmocka_unit_test(conf_limits_names_to_what_inih_keeps),
		cmocka_unit_test(conf_stops_at_the_first_error),
		cmocka_unit_test(conf_find_takes_the_first_that_exists),
		cmocka_unit_test(
		    conf_load_refuses_a_file_that_others_may_write),
		cmocka_unit_test(conf_load_misses_only_a_file_that_was_named),
	};
	int rc = cmocka_run_group_tests(tests, make_folder, remove_folder);

	buf_clear(&seen);
	return rc;
}
